package browser_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pages are all views of the dashboard.
func pages() map[string]string {
	return map[string]string{
		"overview": "#/", "flows": "#/flows", "flow": "#/flow/madrid-%3Edr", "topics": "#/topics", "topic": "#/topic/madrid-%3Edr/orders.v1", "events": "#/events",
	}
}

// TestEverybodyCanReadIt holds every view, in light and dark, to what assistive
// technology and weak eyes need: landmarks, one heading of the first level, a name
// for whatever can be pressed, and contrast.
func TestEverybodyCanReadIt(t *testing.T) {
	p := open(t, region())
	for name, hash := range pages() {
		p.must(p.Do(p.ctx, `location.hash = "`+hash+`"`, nil))
		p.until(`document.querySelector("main h1") && document.querySelector("main").innerText.length > 60`)
		p.until(`!location.hash.includes("topic") && !location.hash.includes("flow") || document.querySelectorAll("tbody tr:not(.space)").length > 2`)
		nodes, err := p.Nodes(p.ctx)
		p.must(err)
		count := map[string]int{}
		for _, n := range nodes {
			count[n.Role]++
			if slices.Contains([]string{"button", "link", "textbox", "searchbox", "image", "img", "table", "region"}, n.Role) && strings.TrimSpace(n.Name) == "" {
				t.Errorf("%s: a %s has no name", name, n.Role)
			}
		}
		for _, role := range []string{"banner", "main", "navigation", "contentinfo"} {
			if count[role] != 1 {
				t.Errorf("%s: there are %d landmarks of role %s", name, count[role], role)
			}
		}
		if n := do[int](p, `document.querySelectorAll("main h1").length`); n != 1 {
			t.Errorf("%s: %d headings of the first level", name, n)
		}
		if n := do[int](p, `document.querySelectorAll("nav a[aria-current=page]").length`); n != 1 {
			t.Errorf("%s: %d views are the present one", name, n)
		}
		for _, scheme := range []string{"light", "dark"} {
			p.must(p.Emulate(p.ctx, scheme))
			p.until(`document.documentElement.dataset.theme === "` + scheme + `"`)
			for _, faint := range do[[]string](p, contrast) {
				t.Errorf("%s, %s: %s", name, scheme, faint)
			}
		}
	}
}

// contrast finds texts with less than 4.5 to 1 to what is behind them (WCAG 2.2,
// 1.4.3).
const contrast = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 200) return c; }
    return [255, 255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || !e.checkVisibility() || e.closest(".offscreen, .skip, dialog, noscript")) continue;
    const style = getComputedStyle(e), svg = e.namespaceURI.endsWith("svg");
    const a = light(rgba(svg ? style.fill : style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(text.slice(0, 40) + " has a contrast of " + ratio.toFixed(2));
  }
  return found;
})()`

// TestContrastIsMeasured proves that the check above can fail.
func TestContrastIsMeasured(t *testing.T) {
	p := open(t, region())
	p.must(p.Do(p.ctx, `document.querySelector("footer span").style.color = "#aab"`, nil))
	if got := do[[]string](p, contrast); len(got) != 1 || !strings.HasPrefix(got[0], "Strait 1.0.0") {
		t.Errorf("found %q", got)
	}
}

// TestKeyboard reaches everything by the keyboard, sees where it is, and reads a
// chart with it.
func TestKeyboard(t *testing.T) {
	p := open(t, region())
	p.until(`document.querySelectorAll(".chart path.line").length === 4`)
	var met []string
	for range 40 {
		p.must(p.Press(p.ctx, "Tab"))
		met = append(met, do[string](p, `(() => { const e = document.activeElement, s = getComputedStyle(e);
			return (e.getAttribute("href") || e.id || e.getAttribute("aria-label")?.split(":")[0] || e.tagName) + (e === document.body || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 ? "" : " unseen"); })()`))
	}
	for _, want := range []string{"#content", "#/", "#/flows", "#/events", "theme", "#/flow/madrid-%3Edr", "#/flow/berlin-%3Edr", "Throughput in records per second"} {
		if !slices.Contains(met, want) {
			t.Errorf("%s is not reached: %q", want, met)
		}
	}
	for _, at := range met {
		if strings.HasSuffix(at, " unseen") {
			t.Errorf("the focus is not seen at %s", at)
		}
	}
	p.must(p.Do(p.ctx, `document.querySelector(".chart svg").focus()`, nil))
	p.must(p.Press(p.ctx, "ArrowLeft"))
	if got := do[string](p, `document.querySelector(".chart .tip").textContent`); !strings.Contains(got, ":") {
		t.Errorf("the chart says %q", got)
	}
}

// TestMotion has nothing move for those who want less of it.
func TestMotion(t *testing.T) {
	p := open(t, region())
	p.until(`document.querySelectorAll(".graph a.edge").length === 5`)
	if moving := do[int](p, `document.getAnimations().filter((a) => a.playState === "running").length`); moving != 0 {
		t.Error(fmt.Sprint(moving, " things move"))
	}
}
