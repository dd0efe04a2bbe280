package inquiry_test

import (
	"crypto/tls"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/processor/inquiry"
)

func TestConfigFaultsNameTheirField(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*inquiry.Config)
		want  string
	}{
		"no URL":              {func(c *inquiry.Config) { c.BaseURL = "" }, "BaseURL"},
		"no scheme":           {func(c *inquiry.Config) { c.BaseURL = "konaplate.test" }, "BaseURL"},
		"no host":             {func(c *inquiry.Config) { c.BaseURL = "https:///open-api" }, "BaseURL"},
		"other scheme":        {func(c *inquiry.Config) { c.BaseURL = "ftp://konaplate.test" }, "BaseURL"},
		"password":            {func(c *inquiry.Config) { c.BaseURL = "https://u:canary@konaplate.test" }, "BaseURL"},
		"faulty and password": {func(c *inquiry.Config) { c.BaseURL = "https://u:canary@konaplate.test:x" }, "BaseURL"},
		"query":               {func(c *inquiry.Config) { c.BaseURL = "https://konaplate.test?token=canary" }, "BaseURL"},
		"plain http":          {func(c *inquiry.Config) { c.BaseURL = "http://konaplate.test" }, "BaseURL"},
		"plain, like local":   {func(c *inquiry.Config) { c.BaseURL = "http://localhost.konaplate.test" }, "BaseURL"},
		"ASP ID":              {func(c *inquiry.Config) { c.ASPID = "1234" }, "ASPID"},
		"ASP ID with newline": {func(c *inquiry.Config) { c.ASPID = "12345678901234\n" }, "ASPID"},
		"access key":          {func(c *inquiry.Config) { c.AccessKey = inquiry.Secret(accessKey + "x") }, "AccessKey"},
		"access key, blank":   {func(c *inquiry.Config) { c.AccessKey = inquiry.Secret(accessKey[:39] + " ") }, "AccessKey"},
		"no signer":           {func(c *inquiry.Config) { c.Signer = nil }, "Signer"},
		"no secret key":       {func(c *inquiry.Config) { c.Signer = inquiry.KMV1{} }, "Signer"},
		"time digits":         {func(c *inquiry.Config) { c.Signer = inquiry.KMV1{SecretKey: inquiry.Secret("canary"), TimeDigits: 15} }, "Signer"},
		"no token":            {func(c *inquiry.Config) { c.Signer = inquiry.StaticToken{} }, "Signer"},
		"token with newline":  {func(c *inquiry.Config) { c.Signer = inquiry.StaticToken{Token: inquiry.Secret("canary\r\n")} }, "Signer"},
		"zone":                {func(c *inquiry.Config) { c.TimeZone = "Asia/Seoul" }, "TimeZone"},
		"crypto key":          {func(c *inquiry.Config) { c.CryptoKeyID = "canary" }, "CryptoKeyID"},
		"timeout":             {func(c *inquiry.Config) { c.Timeout = -1 }, "Timeout"},
		"correlation ID":      {func(c *inquiry.Config) { c.CorrelationID = "none" }, "CorrelationID"},
		"concurrency":         {func(c *inquiry.Config) { c.Concurrency = -1 }, "Concurrency"},
		"all codes":           {func(c *inquiry.Config) { c.RejectedCodes = []string{"*"} }, "RejectedCodes"},
		"code":                {func(c *inquiry.Config) { c.RejectedCodes = []string{"007_*", "7_4"} }, "RejectedCodes"},
		"unverified":          {func(c *inquiry.Config) { c.TLS = &tls.Config{InsecureSkipVerify: true} }, "TLS"},
		"TLS 1.1":             {func(c *inquiry.Config) { c.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} }, "TLS"},
	} {
		cfg := config("https://konaplate.test/open-api")
		c.spoil(&cfg)
		err := cfg.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), c.want+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one fault of %s", name, err, c.want)
			continue
		}
		if contains(err.Error(), "canary") {
			t.Errorf("%s: shows a secret: %v", name, err)
		}
		if _, err := inquiry.New(cfg); err == nil {
			t.Errorf("%s: New takes it", name)
		}
	}
}

func TestConfigReportsAllFaultsAtOnce(t *testing.T) {
	err := inquiry.Config{TimeZone: "MEZ", CryptoKeyID: "x", Timeout: -1}.Validate()
	for _, field := range []string{"BaseURL", "ASPID", "AccessKey", "Signer", "TimeZone", "CryptoKeyID", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s is not in: %v", field, err)
		}
	}
}

func TestConfigAccepts(t *testing.T) {
	for _, base := range []string{
		"https://konaplate.test", "https://konaplate.test/open-api/", "http://127.0.0.1:8090", "http://[::1]:8090", "http://LOCALHOST:1",
	} {
		if err := config(base).Validate(); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	cfg := config("http://konasim:8090")
	cfg.AllowHTTP = true
	cfg.TimeZone = "KST"
	cfg.CorrelationID = inquiry.FreshID
	cfg.RejectedCodes = []string{"007_004", "007_00*", "001_*"}
	cfg.Signer = inquiry.StaticToken{Token: inquiry.Secret("short")}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

func TestFaultsOfTheOtherLayersNameTheirField(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"ratio of 0":    {inquiry.BreakerConfig{FailureRatio: -0.1}.Validate(), "FailureRatio"},
		"ratio above 1": {inquiry.BreakerConfig{FailureRatio: 1.1}.Validate(), "FailureRatio"},
		"requests":      {inquiry.BreakerConfig{MinRequests: -1}.Validate(), "MinRequests"},
		"concurrency":   {inquiry.BreakerConfig{Concurrency: -1}.Validate(), "Concurrency"},
		"timeout":       {inquiry.BreakerConfig{TryTimeout: -1}.Validate(), "TryTimeout"},
		"hung probe":    {inquiry.BreakerConfig{Open: 5e9}.Validate(), "Open"},
		"window":        {inquiry.BreakerConfig{Window: -1}.Validate(), "Window"},
		"tries":         {inquiry.RetryConfig{Tries: 11}.Validate(), "Tries"},
		"backoff":       {inquiry.RetryConfig{Backoff: -1}.Validate(), "Backoff"},
		"negative rate": {inquiry.PaceConfig{Rate: -1}.Validate(), "Rate"},
		"tiny rate":     {inquiry.PaceConfig{Rate: 1e-9}.Validate(), "Rate"},
		"huge rate":     {inquiry.PaceConfig{Rate: 1e12}.Validate(), "Rate"},
		"no rate":       {inquiry.PaceConfig{Rate: math.NaN()}.Validate(), "Rate"},
	} {
		if c.err == nil || !strings.HasPrefix(c.err.Error(), c.want+": ") {
			t.Errorf("%s: %v, want a fault of %s", name, c.err, c.want)
		}
	}
	if err := (inquiry.BreakerConfig{}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (inquiry.RetryConfig{}).Validate(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(inquiry.PaceConfig{}.Validate(), inquiry.PaceConfig{Rate: 0.5}.Validate()); err != nil {
		t.Error(err)
	}
}
