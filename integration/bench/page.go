package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// page is the report of one measurement.
type page struct {
	title  string
	single bool // nothing is compared in turns
	method []string
	goals  []goal
	tables []table
}

// table is one table; the first column is text.
type table struct {
	head []string
	rows [][]string
}

// say adds a paragraph to the method.
func (p *page) say(format string, args ...any) {
	p.method = append(p.method, fmt.Sprintf(format, args...))
}

// add adds a row.
func (t *table) add(cells ...any) {
	var row []string
	for _, c := range cells {
		row = append(row, fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

// spreadTable is a table of spreads.
func spreadTable(what string) table {
	return table{head: []string{what, "runs", "min", "median", "max"}}
}

// spread adds the row of some figures, if there are any.
func (t *table) spread(name string, all []float64) {
	if len(all) == 0 {
		return
	}
	t.add(name, len(all), number(percentile(all, 0)), number(median(all)), number(percentile(all, 100)))
}

// markdown writes the table.
func (t table) markdown(to *strings.Builder) {
	fmt.Fprintf(to, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		fmt.Fprintf(to, "| %s |\n", strings.Join(row, " | "))
	}
	to.WriteString("\n")
}

// markdown writes the page.
func (p *page) markdown(m machine, s settings, began time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", p.title)
	fmt.Fprintf(&b, "Written by `make bench` on %s in %v; edits are lost at its next run.\n\n", began.UTC().Format(time.DateOnly), time.Since(began).Round(time.Second))
	if len(p.goals) > 0 {
		t := table{head: []string{"goal", "measured", "met"}}
		for _, g := range p.goals {
			t.add(g.text, g.got, g.verdict())
		}
		t.markdown(&b)
	}
	for i, t := range p.tables {
		if len(t.rows) > 0 {
			t.markdown(&b)
		}
		if i == 0 {
			b.WriteString("## Method\n\n")
			for _, text := range p.method {
				b.WriteString(text + "\n\n")
			}
			if !p.single {
				fmt.Fprintf(&b, "%d paired runs, the programs in turns; ratios are of the two runs of one turn. ", s.runs)
			}
			b.WriteString("All processes and both brokers share the machine.\n\n")
			if len(s.straitMM) > 0 {
				fmt.Fprintf(&b, "Both topologies also have: `%s`.\n\n", strings.Join(s.straitMM, "`, `"))
			}
			if s.profile != "" {
				b.WriteString("Strait wrote CPU profiles; its processor time includes that.\n\n")
			}
			if s.scale != 1 {
				fmt.Fprintf(&b, "The amount of data is %v times the usual one.\n\n", s.scale)
			}
			m.table().markdown(&b)
			b.WriteString("## All runs\n\n")
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// write writes the page of a measurement to its file.
func (b *bench) write(p *page, name string, began time.Time) error {
	if err := os.MkdirAll(b.s.out, 0o755); err != nil {
		return fmt.Errorf("making the directory of results: %w", err)
	}
	file := filepath.Join(b.s.out, name+".md")
	if err := os.WriteFile(file, []byte(p.markdown(b.machine, b.s, began)), 0o644); err != nil {
		return fmt.Errorf("writing a page: %w", err)
	}
	b.log.Info("page was written", "file", file)
	return nil
}
