package export

import (
	"log/slog"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// sampler follows the parent, else the links, else asks root. The SDK's own follows the parent only, and a transaction that waits goes on in new
// traces that are linked to the first: with a ratio, most of its story would be missing.
type sampler struct{ root sdktrace.Sampler }

// ShouldSample implements sdktrace.Sampler.
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	parent := trace.SpanContextFromContext(p.ParentContext)
	switch {
	case parent.IsValid():
		return decided(parent.IsSampled(), parent.TraceState())
	case sampledLink(p.Links):
		return decided(true, parent.TraceState())
	}
	return s.root.ShouldSample(p)
}

// Description implements sdktrace.Sampler.
func (s sampler) Description() string { return "ParentElseLinksElse{" + s.root.Description() + "}" }

func decided(sampled bool, state trace.TraceState) sdktrace.SamplingResult {
	decision := sdktrace.Drop
	if sampled {
		decision = sdktrace.RecordAndSample
	}
	return sdktrace.SamplingResult{Decision: decision, Tracestate: state}
}

func sampledLink(links []trace.Link) bool {
	for _, l := range links {
		if l.SpanContext.IsSampled() {
			return true
		}
	}
	return false
}

// samplerFromEnv is the sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG name; those based on the parent follow links, too. As the
// specification wants it, a value that is not understood is warned of, and counts as if it were not there.
func samplerFromEnv(getenv func(string) string, log *slog.Logger) sdktrace.Sampler {
	const variable = "OTEL_TRACES_SAMPLER"
	name := strings.ToLower(strings.TrimSpace(getenv(variable)))
	based, onParent := strings.CutPrefix(name, "parentbased_")
	var root sdktrace.Sampler
	switch based {
	case "always_on":
		root = sdktrace.AlwaysSample()
	case "always_off":
		root = sdktrace.NeverSample()
	case "traceidratio":
		root = sdktrace.TraceIDRatioBased(ratio(getenv, log))
	default:
		if name != "" {
			log.Warn("the sampler is not known: parentbased_always_on is used", "variable", variable, "value", name)
		}
		root, onParent = sdktrace.AlwaysSample(), true
	}
	if onParent {
		return sampler{root}
	}
	return root
}

func ratio(getenv func(string) string, log *slog.Logger) float64 {
	const variable = "OTEL_TRACES_SAMPLER_ARG"
	text := strings.TrimSpace(getenv(variable))
	if text == "" {
		return 1
	}
	r, err := strconv.ParseFloat(text, 64)
	if err != nil || r < 0 || r > 1 {
		log.Warn("the sampler's ratio is not between 0 and 1: 1 is used", "variable", variable, "value", text)
		return 1
	}
	return r
}
