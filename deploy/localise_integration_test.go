//go:build integration

package deploy

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// ports are those that containers listen on, by service, and that others or the service itself name.
var ports = map[string][]string{
	"kafka": {"9092", "9093"}, "redis": {"6379"}, "konasim": {"8090"}, "chargeresult": {"9464"},
	"otel-collector": {"4318"}, "prometheus": {"9090"},
}

// place is where a container's world is on this machine: each of its ports is a free one of 127.0.0.1, and each path that is mounted a
// folder of its own.
type place struct {
	service string
	dir     string
	ports   map[string]map[string]string // by service and the container's port
	paths   map[string]string            // by the container's path
}

// places are the worlds of all services of a project. Mounted files are copied there, and read as the service would read them.
func places(t *testing.T, p *types.Project) map[string]*place {
	t.Helper()
	mapped := map[string]map[string]string{}
	free := freePorts(t, 16)
	for service, all := range ports {
		mapped[service] = map[string]string{}
		for _, port := range all {
			mapped[service][port], free = free[0], free[1:]
		}
	}
	dir := t.TempDir()
	worlds := map[string]*place{}
	for name, s := range p.Services {
		w := &place{service: name, dir: filepath.Join(dir, name), ports: mapped, paths: map[string]string{}}
		worlds[name] = w
		for _, target := range s.Tmpfs {
			w.add(t, target)
		}
		for _, v := range s.Volumes {
			w.add(t, v.Target)
		}
		for _, v := range s.Volumes { // when all paths are known
			if v.Type == types.VolumeTypeBind {
				w.copy(t, v.Source, w.paths[v.Target])
			}
		}
	}
	return worlds
}

// add gives a path of the container a place.
func (w *place) add(t *testing.T, path string) {
	t.Helper()
	w.paths[path] = filepath.Join(w.dir, "root", path)
	must(t, os.MkdirAll(filepath.Dir(w.paths[path]), 0o755))
	if filepath.Ext(path) == "" {
		must(t, os.MkdirAll(w.paths[path], 0o755))
	}
}

// copy copies a file or a folder, with what is named in it as it is here.
func (w *place) copy(t *testing.T, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(target, 0o755))
		}
		content, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(target, []byte(w.local(string(content))), 0o644))
	}))
}

// local is a text of the container with the addresses and paths of this machine.
func (w *place) local(text string) string {
	for service, all := range w.ports {
		for from, to := range all {
			text = regexp.MustCompile(`\b`+service+":"+from+`\b`).ReplaceAllString(text, "127.0.0.1:"+to)
		}
	}
	for from, to := range w.ports[w.service] {
		text = regexp.MustCompile(`\b`+from+`\b`).ReplaceAllString(text, to)
	}
	text = strings.ReplaceAll(text, "0.0.0.0", "127.0.0.1")
	var paths []string
	for path := range w.paths {
		paths = append(paths, regexp.QuoteMeta(path))
	}
	slices.Sort(paths)
	slices.Reverse(paths) // the longer of two that begin alike
	if len(paths) == 0 {
		return text
	}
	// In one pass: this machine's path may begin as the container's does.
	named := regexp.MustCompile(`(^|[\s="'])(` + strings.Join(paths, "|") + `)\b`)
	return named.ReplaceAllStringFunc(text, func(found string) string {
		path := found[strings.Index(found, "/"):]
		return strings.TrimSuffix(found, path) + w.paths[path]
	})
}

// locals is local for each of several texts.
func (w *place) locals(texts []string) []string {
	var all []string
	for _, text := range texts {
		all = append(all, w.local(text))
	}
	return all
}

// addr is where a port of a service is on this machine.
func (w *place) addr(service, port string) string { return "127.0.0.1:" + w.ports[service][port] }

// freePorts finds ports below those that systems give to outgoing connections.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var found []string
	for range 10 * n {
		port := strconv.Itoa(20000 + rand.IntN(10000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		defer l.Close() // at the end only, so that no port is found twice
		if found = append(found, port); len(found) == n {
			return found
		}
	}
	t.Fatalf("fewer than %d free ports", n)
	return nil
}
