package browser_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/browser"
	"github.com/strait-mirror/strait/pipeline/status"
)

// page is a browser that shows the dashboard of a world.
type page struct {
	*browser.Browser

	t   *testing.T
	ctx context.Context //nolint:containedctx // of one test
	w   *world
}

// open shows a world's dashboard. Without a browser the test is skipped, but in
// CI, which installs one, or says by CHROMIUM=none that it could not.
func open(t *testing.T, w *world) *page {
	t.Helper()
	path := browser.Find()
	if path == "" {
		if os.Getenv("CI") == "true" && os.Getenv("CHROMIUM") != "none" {
			t.Fatal("no Chromium is installed, and CI must not go without: install one, or name it by CHROMIUM")
		}
		t.Skip("NOT TESTED: no Chromium is installed; install one, or name it by CHROMIUM")
	}
	w.serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	b, err := browser.Start(ctx, path, 1440, 900)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	p := &page{Browser: b, t: t, ctx: ctx, w: w}
	p.must(b.Emulate(ctx, "light"))
	p.must(b.Open(ctx, w.base+"/"))
	p.until(`document.querySelector("#live.on")`)
	return p
}

func (p *page) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v\nthe page says: %q", err, p.Says())
	}
}

func (p *page) until(script string) {
	p.t.Helper()
	p.must(p.Until(p.ctx, script))
}

// do evaluates a script that says something.
func do[T any](p *page, script string) T {
	p.t.Helper()
	var got T
	p.must(p.Do(p.ctx, script, &got))
	return got
}

func (p *page) picture(name string) {
	p.t.Helper()
	p.must(p.Picture(p.ctx, filepath.Join(p.t.ArtifactDir(), name+".png")))
}

// clean fails on whatever the page complained of, and on a request to anybody else.
func (p *page) clean() {
	p.t.Helper()
	for _, text := range p.Says() {
		p.t.Errorf("the page says: %s", text)
	}
	for _, address := range p.Requests() {
		if !p.w.local(address) {
			p.t.Errorf("the page asked for %s", address)
		}
	}
	if len(p.Requests()) < 5 {
		p.t.Errorf("only %d requests were noticed", len(p.Requests()))
	}
}

// TestOverview shows problems first, each with what to do, and every flow in the
// picture with its rate, lag and state.
func TestOverview(t *testing.T) {
	p := open(t, region())
	p.until(`document.querySelectorAll(".graph a.edge").length === 5`)
	if first := do[string](p, `document.querySelector("main .stack").children[1].getAttribute("aria-label")`); first != "Problems" {
		t.Errorf("first comes %q", first)
	}
	problems := do[[]string](p, `[...document.querySelectorAll(".problem")].map(e => e.innerText)`)
	text := strings.Join(problems, "\n")
	for _, want := range []string{"the target refuses records of 2.1 MB", "madrid->dr · orders.v1[0]", "kafka-configs.sh --alter", "connection refused", "for 7 min"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q among the problems:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "What to do"); n != len(problems) || n != 2 {
		t.Errorf("%d problems of %d say what to do", n, len(problems))
	}
	edges := do[map[string]string](p, `Object.fromEntries([...document.querySelectorAll(".graph a.edge")].map(e => [e.getAttribute("href"), e.getAttribute("class") + " " + e.getAttribute("aria-label")]))`)
	for flow, want := range map[string]string{
		"berlin->dr": "running Flow berlin->dr from berlin to dr: running", "madrid->dr": "unhealthy", "berlin->archive": "waiting", "dr->berlin": "no lag",
	} {
		if got := edges["#/flow/"+url.PathEscape(flow)]; !strings.Contains(got, want) {
			t.Errorf("the edge of %s says %q, not %q; there are %q", flow, got, want, edges)
		}
	}
	if got := do[string](p, `document.title`); got != "(2) Strait" {
		t.Errorf("the title is %q", got)
	}
	p.until(`document.querySelectorAll(".chart path.line").length === 4`) // two samples
	p.until(`document.querySelectorAll(".chart svg")[0].getAttribute("aria-label").includes("now ")`)
	p.picture("overview-light")
	p.must(p.Emulate(p.ctx, "dark"))
	p.picture("overview-dark")
	p.must(p.Resize(p.ctx, 420, 900))
	p.picture("overview-narrow")
	if wide := do[int](p, `document.documentElement.scrollWidth`); wide > 420 {
		t.Errorf("a page of 420 pixels is %d wide", wide)
	}
	p.clean()
}

// TestFollows has the page follow what changes, and tell it to those who hear it.
func TestFollows(t *testing.T) {
	w := region()
	p := open(t, w)
	first := do[string](p, `document.querySelector(".tile:nth-child(2) .value").textContent`)
	p.until(`document.querySelector(".tile:nth-child(2) .value").textContent !== ` + strconv.Quote(first))
	w.change("paris->dr", func(f *status.Flow) { f.State, f.Cause = status.Unhealthy, "the disk of the target is full" })
	p.until(`document.querySelector(".problems")?.textContent.includes("the disk of the target is full")`)
	p.until(`document.getElementById("announce").textContent === "paris->dr is unhealthy"`)
	p.until(`document.querySelector('.graph a[href="#/flow/paris-%3Edr"]').getAttribute("class") === "edge unhealthy"`)
	w.log.Error("flow failed, starting it again", "flow", "paris->dr", "err", "no space left")
	p.must(p.Do(p.ctx, `location.hash = "#/events"`, nil))
	p.until(`document.querySelector(".events li")?.textContent.includes("no space left")`)
	if got := do[string](p, `document.querySelector(".events .change").innerText`); !strings.Contains(got, "partitions=12") {
		t.Errorf("the change of a cluster says %q", got)
	}
	p.picture("events")
	w.change("paris->dr", func(f *status.Flow) { f.State, f.Cause = status.Running, "" })
	p.until(`document.getElementById("announce").textContent === "paris->dr is running"`)
	p.clean()
}

// TestDrillDown goes from a flow to a topic to its partitions by the keyboard.
func TestDrillDown(t *testing.T) {
	p := open(t, region())
	follow := func(link string) {
		t.Helper()
		p.until(`document.querySelector(` + strconv.Quote(link) + `)`)
		p.must(p.Do(p.ctx, `document.querySelector(`+strconv.Quote(link)+`).focus()`, nil))
		p.must(p.Press(p.ctx, "Enter"))
	}
	follow(`nav a[data-view=flows]`)
	follow(`tbody a[href="#/flow/madrid-%3Edr"]`)
	p.until(`document.querySelector("h1").textContent === "madrid->dr"`)
	p.until(`document.querySelectorAll("ol.way li").length === 2`)
	p.until(`document.querySelectorAll("tbody tr:not(.space)").length === 6`)
	p.until(`document.querySelectorAll(".chart path.line").length === 4`)
	p.picture("flow")
	follow(`tbody a[href="#/topic/madrid-%3Edr/orders.v1"]`)
	p.until(`document.querySelectorAll("tbody tr:not(.space)").length === 6`)
	p.until(`document.querySelector("h1").textContent + " " + document.querySelector(".title .muted")?.textContent === "orders.v1 is madrid.orders.v1 on the target"`)
	p.must(p.Do(p.ctx, `[...document.querySelectorAll("th button")].find(b => b.textContent === "Lag").click()`, nil))
	p.until(`[...document.querySelectorAll("th")].find(b => b.textContent === "Lag").getAttribute("aria-sort") === "descending"`)
	p.picture("topic")
	p.must(p.Do(p.ctx, `location.hash = "#/topics"`, nil))
	p.until(`document.querySelectorAll("tbody tr:not(.space)").length > 15`)
	p.picture("topics")
	p.clean()
}

// TestThousandFlows draws only what is in sight, and finds the rest.
func TestThousandFlows(t *testing.T) {
	p := open(t, hub(1000))
	p.until(`document.querySelectorAll(".graph .node").length > 2`)
	if n := do[int](p, `document.querySelectorAll(".graph .node").length`); n > 20 {
		t.Errorf("%d clusters are drawn", n)
	}
	p.picture("overview-1000")
	p.must(p.Do(p.ctx, `location.hash = "#/flows"`, nil))
	p.until(`document.querySelector("table[aria-rowcount='1001']")`)
	if n := do[int](p, `document.querySelectorAll("tbody tr").length`); n > 60 {
		t.Errorf("%d rows are drawn", n)
	}
	if first := do[string](p, `document.querySelector("tbody tr:not(.space)").innerText`); !strings.Contains(first, "waiting") {
		t.Errorf("the first row is %q", first)
	}
	p.picture("flows-1000")
	p.must(p.Do(p.ctx, `document.querySelector(".scroll").scrollTop = 1e6`, nil))
	p.until(`document.querySelector("tr[aria-rowindex='1001'] a")`)
	p.must(p.Do(p.ctx, `(() => { const e = document.querySelector("input[type=search]"); e.value = "shop-0777"; e.dispatchEvent(new Event("input")); })()`, nil))
	p.until(`document.querySelector("table[aria-rowcount='2']") && document.querySelector("tbody a").textContent === "shop-0777->hub"`)
	took := do[float64](p, `(() => { const e = document.querySelector("input[type=search]"); const t = performance.now(); for (let i = 0; i < 10; i++) { e.value = i % 2 ? "" : "shop"; e.dispatchEvent(new Event("input")); } return (performance.now() - t) / 10; })()`)
	if took > 500 {
		t.Errorf("drawing 1,000 flows anew takes %.0f ms", took)
	}
	p.clean()
}

// TestOnlyTheTokenChanges lets nobody reload without the token, and who has it.
func TestOnlyTheTokenChanges(t *testing.T) {
	p := open(t, region())
	p.until(`!document.getElementById("unlock").hidden`)
	if do[bool](p, `!document.getElementById("reload").hidden`) {
		t.Error("whoever has no token may reload")
	}
	try := func(token string) {
		p.must(p.Do(p.ctx, `document.getElementById("token").open || document.getElementById("unlock").click()`, nil))
		p.must(p.Do(p.ctx, `document.getElementById("token-value").value = `+strconv.Quote(token)+`; document.getElementById("token-use").click()`, nil))
	}
	try("wrong")
	p.until(`document.getElementById("token-error").textContent.includes("not accepted")`)
	p.picture("token")
	try(token)
	p.until(`!document.getElementById("token").open && !document.getElementById("reload").hidden`)
	p.must(p.Do(p.ctx, `document.getElementById("reload").click()`, nil))
	p.until(`document.getElementById("toast").textContent.includes("revision 5 runs")`)
	p.until(`document.getElementById("revision").textContent === "revision 5"`)
}
