package config

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dokploy-deploy/internal/text"
	"dokploy-deploy/internal/upload"
)

func parseBool(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	if meant := meantBool(v); meant != "" {
		return false, fmt.Errorf("%s is neither true nor false; write %s", quote(v), meant)
	}
	return false, fmt.Errorf("%s is neither true nor false; write one of the two", quote(v))
}

// parseWait parses the input wait, whose name may suggest a duration.
func parseWait(v string) (bool, error) {
	if d, err := parseDuration(v); err == nil && meantBool(v) == "" {
		return false, fmt.Errorf("%s is neither true nor false; how long to wait is the input timeout: %s", quote(v), shortDuration(d))
	}
	return parseBool(v)
}

func oneOf(accepted ...string) func(string) (string, error) {
	return func(v string) (string, error) {
		if slices.Contains(accepted, v) {
			return v, nil
		}
		text := fmt.Sprintf("%s is not one of %s", quote(v), strings.Join(accepted, ", "))
		if meant := meantWord(v, accepted); meant != "" {
			text += "; write " + meant
		}
		return "", errors.New(text)
	}
}

const maxDuration = 24 * time.Hour

func parseDuration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if strings.Trim(v, "0123456789") == "" {
		seconds, _ := strconv.ParseUint(v, 10, 64) // out of range: the largest value
		d, err = time.Duration(min(seconds, uint64(maxDuration/time.Second)+1))*time.Second, nil
	}
	meant := meantDuration(v)
	switch {
	case err != nil && meant > maxDuration:
		return 0, fmt.Errorf("%s is too long; at most 24h", quote(v))
	case err != nil && meant > 0:
		return 0, fmt.Errorf("%s is not a duration; write %s", quote(v), shortDuration(meant))
	case err != nil:
		return 0, fmt.Errorf("%s is not a duration; write one such as 90s or 30m, or whole seconds", quote(v))
	case d <= 0:
		return 0, fmt.Errorf("%s is not greater than zero; write a duration such as 90s or 30m, or whole seconds", quote(v))
	case d > maxDuration:
		return 0, fmt.Errorf("%s is too long; at most 24h", quote(v))
	}
	return d, nil
}

const maxParallel = 32

func parseParallel(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxParallel {
		return 0, fmt.Errorf("%s is not a whole number from 1 to %d", quote(v), maxParallel)
	}
	return n, nil
}

// isToken reports whether s is a token of RFC 9110, as header names are.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// printable reports whether s can be a header's value and has no space.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

const maxCertificates = 1 << 20 // bytes

func parseCertificates(v string) ([]*x509.Certificate, error) {
	const begin = "-----BEGIN "
	text, where := []byte(v), "the text"
	switch {
	case !strings.Contains(v, begin):
		if len(v) > 4096 || strings.Contains(v, "\n") {
			return nil, errors.New("is neither PEM text nor a path")
		}
		where = v
		raw, err := readFile(v, maxCertificates)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("is not PEM text, and there is no file %s", quote(v))
		case err != nil:
			return nil, err
		case len(raw) > maxCertificates:
			return nil, fmt.Errorf("%s is larger than %d bytes", quote(v), maxCertificates)
		}
		text = raw
	case !strings.Contains(v, "\n"):
		// Some hosts put a variable on one line.
		text = []byte(strings.ReplaceAll(v, `\n`, "\n"))
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d in %s is broken: %w", len(certs)+1, where, err)
		}
		certs = append(certs, cert)
	}
	if bytes.Contains(text, []byte(begin+"CERTIFICATE-----")) {
		return nil, fmt.Errorf("certificate %d in %s is not valid PEM", len(certs)+1, where)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s contains no PEM certificate (-----BEGIN CERTIFICATE-----)", where)
	}
	return certs, nil
}

// parseOutputFile checks that the file can be written. It does not change it.
func parseOutputFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return "", fmt.Errorf("%s is a directory; give a file", quote(path))
	case err == nil && info.Mode()&fs.ModeSocket != 0:
		return "", fmt.Errorf("%s is a socket; give a file", quote(path))
	case err == nil && info.Mode()&fs.ModeDevice != 0 && info.Mode()&fs.ModeCharDevice == 0:
		return "", fmt.Errorf("%s is a block device; give a file", quote(path))
	case err == nil && !info.Mode().IsRegular():
		return path, nil // opening a pipe here could block, or its reader would notice
	case err == nil:
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return "", fmt.Errorf("cannot be written: %w", err)
		}
		return path, f.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("cannot be used: %w", err)
	}
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", fmt.Errorf("the folder %s does not exist", quote(folder))
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // later steps run as other users
	if err != nil {
		return "", fmt.Errorf("cannot be created: %w", err)
	}
	_ = f.Close()
	return path, os.Remove(path)
}

// oneLine turns text into a single line, such as a title.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	blank := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	return strings.Join(strings.FieldsFunc(s, blank), " ")
}

// manyLines drops all control characters but newlines.
func manyLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

func quote(s string) string { return text.Quote(s, "value") }

// maxText is the longest text that Dokploy accepts, in bytes: a request's JSON
// is limited to 1 MB in total (docs/dokploy.md, The API).
const maxText = 1<<20 - 8<<10

func tooLong(text string) bool {
	raw, err := json.Marshal(text)
	return err != nil || len(raw) > maxText
}

// parseSource checks a directory or .zip to upload.
func parseSource(path string) (*upload.Source, error) {
	if err := noPath(path, "a directory or a .zip"); err != nil {
		return nil, err
	}
	return upload.Open(path)
}
