// Package browser drives a headless Chromium over a pipe: it opens pages, evaluates
// scripts, presses keys, takes pictures, and notes every request and every
// complaint. It is for tests; what pages should say is theirs.
package browser

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Find returns the path of a Chromium or Chrome on this machine: the one that the
// environment variable CHROMIUM names ("none": there is none), else what is usual;
// "" for none.
func Find() string {
	switch path := os.Getenv("CHROMIUM"); path {
	case "":
	case "none":
		return ""
	default:
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Browser is one running Chromium with one page.
type Browser struct {
	cmd     *exec.Cmd
	profile string
	in      *os.File
	session string
	read    chan struct{} // closed when nothing more is read

	mu       sync.Mutex // guards the rest and writes to in
	next     int
	waiting  map[int]chan message
	requests []string // that the page made
	says     []string // errors and warnings of the page
}

// message is one of the DevTools protocol.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Start starts the browser at path, with a window of a size.
func Start(ctx context.Context, path string, width, height int) (*Browser, error) {
	profile, err := os.MkdirTemp("", "strait-browser-")
	if err != nil {
		return nil, fmt.Errorf("making a profile: %w", err)
	}
	fromUs, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	out, toUs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	b := &Browser{profile: profile, in: in, read: make(chan struct{}), waiting: map[int]chan message{}}
	b.cmd = exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
		"--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
		fmt.Sprintf("--window-size=%d,%d", width, height), "--user-data-dir="+profile, "about:blank")
	b.cmd.ExtraFiles = []*os.File{fromUs, toUs}
	err = b.cmd.Start()
	fromUs.Close()
	toUs.Close()
	if err != nil {
		close(b.read)
		b.Close()
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	go b.receive(out)
	if err := b.attach(ctx, width, height); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// attach opens the page.
func (b *Browser) attach(ctx context.Context, width, height int) error {
	var target struct{ TargetID string }
	if err := b.call(ctx, "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var session struct{ SessionID string }
	if err := b.call(ctx, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session); err != nil {
		return err
	}
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log", "Accessibility"} {
		if err := b.call(ctx, domain+".enable", nil, nil); err != nil {
			return err
		}
	}
	return b.call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// receive takes what the browser says until it ends.
func (b *Browser) receive(out *os.File) {
	defer close(b.read)
	defer out.Close()
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			message
			Params json.RawMessage `json:"params"`
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if answer := b.waiting[m.ID]; m.ID > 0 && answer != nil {
			delete(b.waiting, m.ID)
			answer <- m.message
		} else {
			b.note(m.Method, m.Params)
		}
		b.mu.Unlock()
	}
}

// note keeps what tests ask for. b.mu is held.
func (b *Browser) note(method string, params json.RawMessage) {
	var p struct {
		Request          struct{ URL string }
		Type             string
		Entry            struct{ Level, Text, URL string }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Args []struct{ Value any }
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	switch method {
	case "Network.requestWillBeSent":
		b.requests = append(b.requests, p.Request.URL)
	case "Log.entryAdded":
		if p.Entry.Level == "verbose" { // advice
			return
		}
		b.says = append(b.says, p.Entry.Level+": "+p.Entry.Text+" "+p.Entry.URL)
	case "Runtime.exceptionThrown":
		b.says = append(b.says, "exception: "+p.ExceptionDetails.Text+" "+p.ExceptionDetails.Exception.Description)
	case "Runtime.consoleAPICalled":
		b.says = append(b.says, fmt.Sprintf("console %s: %v", p.Type, p.Args))
	}
}

// call sends a command and waits for its answer.
func (b *Browser) call(ctx context.Context, method string, params, into any) error {
	answer := make(chan message, 1)
	b.mu.Lock()
	b.next++
	m := message{ID: b.next, Session: b.session, Method: method, Params: params}
	b.waiting[m.ID] = answer
	text, err := json.Marshal(m)
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("sending %s: %w", method, err)
	}
	select {
	case m = <-answer:
	case <-b.read:
		return fmt.Errorf("sending %s: the browser has ended", method)
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s: %w", method, context.Cause(ctx))
	}
	if m.Error != nil {
		return fmt.Errorf("%s: %s", method, m.Error.Message)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(m.Result, into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", method, err)
	}
	return nil
}

// Open goes to a page.
func (b *Browser) Open(ctx context.Context, url string) error {
	return b.call(ctx, "Page.navigate", map[string]any{"url": url}, nil)
}

// Do evaluates a script, waits for what it promises, and stores that in into, which
// may be nil.
func (b *Browser) Do(ctx context.Context, script string, into any) error {
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if err := b.call(ctx, "Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &r); err != nil {
		return err
	}
	if e := r.ExceptionDetails; e != nil {
		return errors.New(e.Text + " " + e.Exception.Description)
	}
	if into == nil || r.Result.Value == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result.Value, into); err != nil {
		return fmt.Errorf("reading %s: %w", r.Result.Value, err)
	}
	return nil
}

// Until evaluates a script again and again until it says true.
func (b *Browser) Until(ctx context.Context, script string) error {
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		done := false
		if err := b.Do(ctx, "Boolean("+script+")", &done); done {
			tick.Stop()
			return nil
		} else if ctx.Err() != nil {
			return fmt.Errorf("waiting for %s: %w", script, errors.Join(err, context.Cause(ctx)))
		}
		<-tick.C
	}
}

// Press presses a key: "Tab", "Enter", "ArrowLeft".
func (b *Browser) Press(ctx context.Context, key string) error {
	code := map[string]int{"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39}[key]
	press := map[string]any{"type": "rawKeyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		press["type"], press["text"] = "keyDown", "\r"
	}
	if err := b.call(ctx, "Input.dispatchKeyEvent", press, nil); err != nil {
		return err
	}
	return b.call(ctx, "Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}

// Emulate has the page take the system for dark or light, and for one that wants
// less motion.
func (b *Browser) Emulate(ctx context.Context, scheme string) error {
	return b.call(ctx, "Emulation.setEmulatedMedia", map[string]any{"features": []any{
		map[string]string{"name": "prefers-color-scheme", "value": scheme},
		map[string]string{"name": "prefers-reduced-motion", "value": "reduce"},
	}}, nil)
}

// Resize changes the size of the window.
func (b *Browser) Resize(ctx context.Context, width, height int) error {
	return b.call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// Picture writes what the page looks like, all of it, to a PNG file.
func (b *Browser) Picture(ctx context.Context, path string) error {
	var shot struct{ Data string }
	if err := b.call(ctx, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot); err != nil {
		return err
	}
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing a picture: %w", err)
	}
	return nil
}

// Node is an element as assistive technology meets it.
type Node struct{ Role, Name string }

// Nodes returns the page as assistive technology meets it.
func (b *Browser) Nodes(ctx context.Context) ([]Node, error) {
	type value struct{ Value any }
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name value
		}
	}
	if err := b.call(ctx, "Accessibility.getFullAXTree", nil, &tree); err != nil {
		return nil, err
	}
	var list []Node
	for _, n := range tree.Nodes {
		if !n.Ignored {
			list = append(list, Node{fmt.Sprint(n.Role.Value), fmt.Sprint(n.Name.Value)})
		}
	}
	return list, nil
}

// Requests returns the addresses that the page asked for.
func (b *Browser) Requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.requests...)
}

// Says returns what the page complained of: errors of scripts, refused contents.
func (b *Browser) Says() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.says...)
}

// Close ends the browser and removes what it wrote.
func (b *Browser) Close() {
	b.in.Close() // which ends it
	if b.cmd.Process != nil {
		timer := time.AfterFunc(5*time.Second, func() { _ = b.cmd.Process.Kill() })
		_ = b.cmd.Wait() // how it ended does not matter
		timer.Stop()
	}
	<-b.read
	os.RemoveAll(b.profile)
}
