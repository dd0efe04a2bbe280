-- incarnation.lua, after guard.lua.
return {'ok', have.incarnation}
