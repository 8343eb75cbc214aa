package dokploy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// uploadTo sends an upload of some size, after which its source pauses once, to
// a server that reads it in pieces of a given size, with pauses, until it has
// read as much as it wants. It returns how long the upload took and how it
// ended.
func uploadTo(t *testing.T, size, each, most int, pause, source, stall time.Duration) (took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		dial := func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				r := bufio.NewReaderSize(far, 16)
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				for got := 0; got < most; {
					n, err := io.ReadFull(req.Body, make([]byte, each))
					if got += n; err != nil {
						_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
						return
					}
					time.Sleep(pause)
				}
				<-over
			}()
			return near, nil
		}
		u, _ := url.Parse("http://dokploy.test")
		c := New(Options{URL: u, Key: "key-123", UserAgent: "test", Dial: dial})
		defer c.CloseIdle()
		start := time.Now()
		err = c.Upload(t.Context(), &Service{Kind: Application, ID: "app-1"}, "x.zip", stall, func(w io.Writer) error {
			if _, err := w.Write(make([]byte, size)); err != nil {
				return err
			}
			time.Sleep(source)
			_, err := w.Write(make([]byte, 10))
			return err
		})
		took = time.Since(start)
		close(over)
	})
	return took, err
}

// A stalled upload ends after the tolerated time; a slow one is not cut off.
func TestStalledUpload(t *testing.T) {
	took, err := uploadTo(t, 1<<20, 4<<10, 64<<10, time.Second, 0, 40*time.Second)
	var stalled *StalledError
	if !errors.As(err, &stalled) || stalled.For != 40*time.Second || took < 55*time.Second || took > 58*time.Second {
		t.Errorf("%v after %s", err, took)
	}
	if what, hint := Explain(err); what != "the upload made no progress for 40s" || hint == "" {
		t.Errorf("%q, %q", what, hint)
	}
	took, err = uploadTo(t, 256<<10, 1<<10, 1<<20, 9*time.Second, 0, 40*time.Second)
	if err != nil || took < 30*time.Minute {
		t.Errorf("%v after %s", err, took)
	}
	// An upload that waits for its source has not stalled.
	took, err = uploadTo(t, 100, 10, 1<<20, 0, 3*time.Minute, 40*time.Second)
	if err != nil || took < 3*time.Minute {
		t.Errorf("%v after %s", err, took)
	}
}

func TestUpload(t *testing.T) {
	zip := bytes.Repeat([]byte("zip "), 1<<18)
	app := &Service{Kind: Application, ID: "app-1", DropBuildPath: "/sub"}
	write := func(w io.Writer) error { _, err := w.Write(zip); return err }
	fields := map[string]string{}
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/trpc/application.dropDeployment" || r.Header.Get("X-Api-Key") != "key-123" {
			t.Errorf("%s %v", r.URL.Path, r.Header)
		}
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			t.Error(err)
		}
		form := multipart.NewReader(r.Body, params["boundary"])
		for {
			part, err := form.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Error(err)
				break
			}
			text, _ := io.ReadAll(part)
			fields[part.FormName()+part.FileName()] = string(text)
		}
		_, _ = io.WriteString(w, `{"result":{"data":{"json":true}}}`)
	})
	if err := c.Upload(t.Context(), app, "source.zip", time.Minute, write); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"applicationId": "app-1", "dropBuildPath": "/sub", "zipsource.zip": string(zip)}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUploadsThatFail(t *testing.T) {
	app := &Service{Kind: Application, ID: "app-1"}
	endless := func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return err
			}
		}
	}
	t.Run("refused before its end", func(t *testing.T) {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"Unauthorized"}`)
		})
		// The answer may be lost if the server closes the connection while data
		// is still being sent.
		err := c.Upload(t.Context(), app, "x.zip", time.Minute, endless)
		var te *TransportError
		if !Refused(err) && !errors.As(err, &te) || BrokenSource(err) {
			t.Errorf("%v", err)
		}
	})
	t.Run("the source breaks", func(t *testing.T) {
		taken := false
		c := serving(t, func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				taken = true
			}
		})
		err := c.Upload(t.Context(), app, "x.zip", time.Minute, func(w io.Writer) error {
			_, _ = w.Write([]byte("half"))
			return errors.New("a.txt has changed while it was read")
		})
		if !BrokenSource(err) || taken {
			t.Errorf("%v, taken for whole: %v", err, taken)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := serving(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = r.Body.Read(make([]byte, 10))
			cancel()
			_, _ = io.Copy(io.Discard, r.Body)
		})
		if err := c.Upload(ctx, app, "x.zip", time.Minute, endless); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
