package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// buildVersion is what the binary knows of its own making.
type buildVersion struct {
	Version  string `json:"version"`            // of the module: a tag, a pseudo-version, or (devel)
	Revision string `json:"revision,omitempty"` // the commit, if it was built from a checkout
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified"`           // whether the checkout differed from the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionOf(info *debug.BuildInfo) buildVersion {
	v := buildVersion{Version: info.Main.Version, Go: info.GoVersion, Platform: runtime.GOOS + "/" + runtime.GOARCH}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// String is the version on one line.
func (v buildVersion) String() string {
	s := "chargeresult " + v.Version
	if v.Revision != "" {
		s += " (" + v.Revision + ", " + v.Time + ")"
	}
	if v.Modified {
		s += " with local changes"
	}
	return s + ", " + v.Go + " " + v.Platform
}

func versionCommand() command {
	var asJSON bool
	return command{
		name:     "version",
		summary:  "print the version of this binary",
		examples: []string{"chargeresult version", "chargeresult version --json | jq -r .revision"},
		flags:    func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "print JSON") },
		run: func(_ context.Context, in invocation) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{GoVersion: runtime.Version()}
			}
			v := versionOf(info)
			if asJSON {
				return writeJSON(in.stdout, v)
			}
			_, err := fmt.Fprintln(in.stdout, v)
			return err
		},
	}
}
