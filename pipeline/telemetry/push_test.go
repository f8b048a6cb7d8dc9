package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// push runs metrics until their end, at which what was not pushed is, and returns
// what the log says.
func push(t *testing.T) (log string, err error) {
	t.Helper()
	var b bytes.Buffer
	m, err := telemetry.New(t.Context(), telemetry.Params{
		Version: "1.2.3", Env: os.LookupEnv, Log: slog.New(slog.NewTextHandler(&b, nil)),
		Status: func() status.Snapshot {
			return status.Snapshot{Flows: []status.Flow{{
				Name: "a->b", From: "a", To: "b", State: status.Running, Records: 100, LagRecords: 7,
				Transfer: status.Histogram{Bounds: []float64{0.1, 1}, Counts: []uint64{2, 3, 4}, Sum: 9.5},
			}}}
		},
		Partitions: func(func(string) bool) []status.Partition {
			return []status.Partition{{Flow: "a->b", Topic: "t", TargetTopic: "a.t", Partition: 3, Records: 5, LagRecords: 9, Headroom: -1}}
		},
		Labels: func() bool { return true },
	})
	if err != nil {
		return "", err
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return b.String(), nil
}

// received is a collector that keeps the last it was told.
type received struct {
	collector.UnimplementedMetricsServiceServer

	header  string
	request *collector.ExportMetricsServiceRequest
}

func (r *received) Export(ctx context.Context, req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		r.header = strings.Join(md.Get("x-key"), "")
	}
	r.request = req
	return &collector.ExportMetricsServiceResponse{}, nil
}

func (r *received) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.header, r.request = req.Header.Get("x-key"), &collector.ExportMetricsServiceRequest{}
	if err != nil || req.URL.Path != "/v1/metrics" || proto.Unmarshal(body, r.request) != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
}

// check looks for what push has to say.
func (r *received) check(t *testing.T) {
	t.Helper()
	if r.request == nil || r.header != "value" || len(r.request.GetResourceMetrics()) != 1 {
		t.Fatalf("received with %q: %v", r.header, r.request)
	}
	pushed := r.request.GetResourceMetrics()[0]
	said := map[string]string{}
	for _, a := range pushed.GetResource().GetAttributes() {
		said[a.GetKey()] = a.GetValue().GetStringValue()
	}
	if said["service.name"] != "mine" || said["service.version"] != "1.2.3" || said["service.instance.id"] == "" || said["env"] != "test" {
		t.Errorf("it comes from %v", said)
	}
	metrics := map[string]*otlp.Metric{}
	for _, s := range pushed.GetScopeMetrics() {
		for _, m := range s.GetMetrics() {
			metrics[m.GetName()] = m
		}
	}
	if s := metrics["strait.flow.records"].GetSum(); !s.GetIsMonotonic() || s.GetDataPoints()[0].GetAsDouble() != 100 {
		t.Errorf("records are %v", s)
	}
	if g := metrics["strait.flow.lag.records"].GetGauge(); g.GetDataPoints()[0].GetAsDouble() != 7 {
		t.Errorf("the lag is %v", g)
	}
	if s := metrics["strait.partition.records"].GetSum(); !s.GetIsMonotonic() || s.GetDataPoints()[0].GetAsDouble() != 5 {
		t.Errorf("records of the partition are %v", s)
	}
	g := metrics["strait.partition.lag.records"].GetGauge().GetDataPoints()
	if len(g) != 1 || g[0].GetAsDouble() != 9 || len(g[0].GetAttributes()) != 6 {
		t.Errorf("the lag of the partition is %v", g)
	}
	if g := metrics["strait.partition.headroom.records"].GetGauge().GetDataPoints(); len(g) != 0 {
		t.Errorf("the headroom, which is not known, is %v", g)
	}
	h := metrics["strait.flow.transfer"].GetHistogram().GetDataPoints()
	if len(h) != 1 || h[0].GetCount() != 9 || h[0].GetSum() != 9.5 || len(h[0].GetBucketCounts()) != 3 {
		t.Errorf("the histogram is %v", h)
	}
}

func TestPush(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=value")
	t.Setenv("OTEL_SERVICE_NAME", "mine")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "env=test")
	t.Run("over HTTP", func(t *testing.T) {
		r := &received{}
		s := httptest.NewServer(r)
		defer s.Close()
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
		if log, err := push(t); err != nil || log != "" {
			t.Errorf("%v, and the log has %q", err, log)
		}
		r.check(t)
	})
	t.Run("over gRPC", func(t *testing.T) {
		r := &received{}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := grpc.NewServer()
		collector.RegisterMetricsServiceServer(s, r)
		served := make(chan error)
		go func() { served <- s.Serve(l) }()
		t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://"+l.Addr().String())
		t.Setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc")
		if log, err := push(t); err != nil || log != "" {
			t.Errorf("%v, and the log has %q", err, log)
		}
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		r.check(t)
	})
}

// TestPushOnlyWhenAsked pushes nothing where the variables do not say so, and says
// what is wrong with them.
func TestPushOnlyWhenAsked(t *testing.T) {
	r := &received{}
	s := httptest.NewServer(r)
	defer s.Close()
	for name, tt := range map[string]struct {
		env  map[string]string
		err  string
		log  string
		push bool
	}{
		"asked for":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": s.URL, "OTEL_METRICS_EXPORTER": "prometheus,otlp"}, "", "", true},
		"nothing":          {map[string]string{}, "", "", false},
		"disabled":         {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": s.URL, "OTEL_SDK_DISABLED": "true"}, "", "", false},
		"another exporter": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": s.URL, "OTEL_METRICS_EXPORTER": "none"}, "", "", false},
		"another protocol": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": s.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, `"http/json", not http/protobuf or grpc`, "", false},
		"nobody there":     {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": s.URL + "/nowhere"}, "", "metrics could not be pushed", true},
	} {
		t.Run(name, func(t *testing.T) {
			r.request = nil
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			log, err := push(t)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("the error is %v", err)
			}
			if (r.request != nil) != tt.push || (log == "") != (tt.log == "") || !strings.Contains(log, tt.log) {
				t.Errorf("pushed %v, the log has %q", r.request, log)
			}
		})
	}
}
