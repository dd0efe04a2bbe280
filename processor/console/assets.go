package console

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
)

// assets serves the embedded files; browsers keep them, and ask whether they are still the same.
func assets() http.Handler {
	tags := map[string]string{}
	// Walking an embedded file system can't fail.
	_ = fs.WalkDir(files, "assets", func(path string, entry fs.DirEntry, _ error) error {
		if !entry.IsDir() {
			content, _ := files.ReadFile(path)
			tags["/"+path] = fmt.Sprintf(`"%x"`, sha256.Sum256(content))
		}
		return nil
	})
	serve := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag, known := tags[r.URL.Path]
		if !known { // a folder's listing, too
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Etag", tag)
		w.Header().Set("Cache-Control", "no-cache")
		serve.ServeHTTP(w, r)
	})
}
