// Package junit owns the form of JUnit reports as Ant writes them: the order of the
// elements and the attributes that have to be there are those of its schema
// (github.com/windyroad/JUnit-Schema). What is reported is the business of its users.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
)

// Suite is the tests of one file.
type Suite struct {
	Package    string   `xml:"package,attr"`
	ID         int      `xml:"id,attr"`
	Name       string   `xml:"name,attr"`
	Timestamp  string   `xml:"timestamp,attr"`
	Hostname   string   `xml:"hostname,attr"`
	Tests      int      `xml:"tests,attr"`
	Failures   int      `xml:"failures,attr"`
	Errors     int      `xml:"errors,attr"`
	Time       string   `xml:"time,attr"`
	Properties struct{} `xml:"properties"`
	Cases      []Case   `xml:"testcase"`
	Out        string   `xml:"system-out"`
	Err        string   `xml:"system-err"`
}

// Case is one test.
type Case struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Time    string   `xml:"time,attr"`
	Failure *Failure `xml:"failure"` // nil: it passed
}

// Failure is why a test failed.
type Failure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// NewSuite returns a suite without tests. Two runs on the same text give the same
// bytes, so that no clock and no host is in it.
func NewSuite(pkg string, id int, name string) Suite {
	return Suite{Package: pkg, ID: id, Name: name, Timestamp: "1970-01-01T00:00:00", Hostname: "localhost", Time: "0"}
}

// Add adds a test; failure is nil where it passed.
func (s *Suite) Add(name string, failure *Failure) {
	s.Cases = append(s.Cases, Case{Name: name, Class: s.Name, Time: "0", Failure: failure})
	s.Tests++
	if failure != nil {
		s.Failures++
	}
}

// Write writes a report.
func Write(w io.Writer, suites []Suite) error {
	text, err := xml.MarshalIndent(struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []Suite  `xml:"testsuite"`
	}{Suites: suites}, "", "  ")
	if err == nil {
		_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	}
	if err != nil {
		return fmt.Errorf("writing a JUnit report: %w", err)
	}
	return nil
}
