package dokploytest

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

// maxUpload is the largest form with a file, in bytes. Real servers accepted 60
// MB in 3.4 s (docs/dokploy.md, Uploads).
const maxUpload = 256 << 20

// Upload is a source that application.dropDeployment accepted.
type Upload struct {
	Zip []byte
	// Names are the files in the code directory. A single root folder is
	// stripped if the zip has an entry for it.
	Names []string
}

// Uploads returns the application's uploads, oldest first.
func (v *Service) Uploads() []Upload {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return slices.Clone(v.uploads)
}

// isForm reports whether a request contains a multipart form.
func isForm(r *http.Request) (boundary string, ok bool) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return params["boundary"], kind == "multipart/form-data"
}

// readForm parses the form's values and its file.
func readForm(body []byte, boundary string) (values map[string]string, file []byte) {
	values = map[string]string{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := parts.NextPart()
		if err != nil {
			return values, file
		}
		text, _ := io.ReadAll(p)
		switch {
		case p.FileName() == "":
			values[p.FormName()] = string(text)
		case p.FormName() == "zip" && len(text) > 0: // an empty file does not count
			file = text
		}
	}
}

// drop plays application.dropDeployment: it replaces the source and starts a
// deployment at once (docs/dokploy.md, Uploads).
func (s *Server) drop(key *keyState, body []byte, boundary string) (any, *apiError) {
	values, file := readForm(body, boundary)
	var issues []issue
	id, ok := values["applicationId"]
	if !ok {
		issues = append(issues, s.wrongType("applicationId", "undefined"))
	}
	if file == nil {
		issues = append(issues, issue{
			{"code", "invalid_type"}, {"expected", "File"}, {"path", []string{"zip"}}, {"message", "Invalid input: expected File, received undefined"},
		})
	}
	if issues != nil {
		return nil, s.invalid(issues...)
	}
	names, bad := unzip(file)
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.findLocked("application", id)
	switch {
	case !s.mayUse(key, id):
		return nil, noAccess
	case v == nil:
		return nil, notFound("Application")
	}
	// The source is switched, and the code directory emptied, before the zip is
	// read.
	v.store(map[string]any{"sourceType": "drop", "dropBuildPath": values["dropBuildPath"]})
	if bad != nil {
		return nil, internal(bad.Error())
	}
	v.uploads = append(v.uploads, Upload{Zip: file, Names: names})
	v.triggers++
	s.enqueueLocked(v, "deploy", "Manual deployment", "", false)
	return true, nil
}

// unzip lists the files of a zip, or says what is wrong with it.
func unzip(file []byte) ([]string, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, errors.New("ADM-ZIP: Invalid or unsupported zip format. No END header found")
	}
	var entries []*zip.File
	var roots []string
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "__MACOSX") {
			continue
		}
		entries = append(entries, f)
		if !strings.Contains(strings.TrimSuffix(f.Name, "/"), "/") {
			roots = append(roots, f.Name)
		}
	}
	root := ""
	if len(roots) == 1 && strings.HasSuffix(roots[0], "/") {
		root = roots[0]
	}
	var names []string
	for _, f := range entries {
		name := strings.TrimPrefix(f.Name, root)
		switch {
		case name == "":
			continue
		case strings.HasPrefix(path.Clean(name), ".."):
			return nil, errors.New("Path traversal detected: resolved path escapes output directory: " + name)
		case f.Mode()&(fs.ModeSymlink|fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket) != 0:
			return nil, errors.New("Dangerous node entries are not allowed: " + f.Name)
		case !strings.HasSuffix(name, "/"):
			names = append(names, name)
		}
	}
	return names, nil
}
