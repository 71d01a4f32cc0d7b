package s3store

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
)

// cause is what a server said, without what must not be printed.
type cause struct {
	text string
	err  error // matched by errors.Is
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.err }

// answer is what is known of a refusal.
type answer struct {
	status  int
	code    string // of S3, as in "NoSuchKey"
	message string
	region  string
}

func answerOf(err error) answer {
	var a answer
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		a.status = response.HTTPStatusCode()
		a.region = response.Response.Header.Get("X-Amz-Bucket-Region")
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		a.code, a.message = api.ErrorCode(), api.ErrorMessage()
	}
	return a
}

// failed gives an error of a request the code of this room. verb is what was
// tried, as in "read".
func (s *Store) failed(verb, key string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || fault.As(err) != nil {
		return err
	}
	place := s.Path(key)
	a := answerOf(err)
	text := s.client.redact(a.code)
	if a.message != "" && a.message != a.code {
		text += ": " + s.client.redact(a.message)
	}
	said := func(c fault.Code, match error, format string, args ...any) *fault.Error {
		if text == "" && a.status != 0 {
			text = http.StatusText(a.status)
		}
		e := fault.Wrap(&cause{text, match}, c, format, args...).At("%s", place)
		return e
	}
	again := func(e *fault.Error) error {
		e.Retry = true
		return e
	}
	switch {
	case a.code == "NoSuchBucket":
		return said(NoBucket, blob.ErrNotExist, "there is no bucket %q", s.bucket).WithHint("correct the path or the endpoint")
	case is(a.code, "NoSuchKey", "NotFound") || a.status == http.StatusNotFound && a.code == "":
		return said(Refused, blob.ErrNotExist, "no such object")
	case is(a.code, "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"):
		return again(said(Credentials, nil, "the credentials have expired").WithHint("renew them and run again"))
	case is(a.code, "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "XAdminUserNotFound", "UnrecognizedClientException"):
		return said(Credentials, nil, "the server does not accept the credentials").WithHint("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or the profile")
	case is(a.code, "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException") || a.status == http.StatusMovedPermanently || a.status == http.StatusTemporaryRedirect:
		e := said(WrongRegion, nil, "bucket %q is of another region", s.bucket)
		if a.region != "" {
			return e.WithHint("set s3 = { region = %q }", a.region)
		}
		return e.WithHint("set s3 = { region = \"...\" } to the bucket's region")
	case is(a.code, "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "ServiceUnavailable") ||
		a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable:
		return again(said(Throttled, nil, "the server asks for fewer requests, after %d tries", s.client.options.Attempts).WithHint("run again later"))
	case is(a.code, "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"):
		return again(said(NotStored, nil, "what arrived is not what was sent"))
	case a.status == http.StatusForbidden:
		return said(Denied, nil, "the credentials do not allow to %s this", verb).WithHint("docs/connectors/s3.md lists the actions that are needed")
	case a.status == http.StatusPreconditionFailed:
		return again(said(Changed, nil, "the object was replaced while it was read").WithHint("run again"))
	case racing(a):
		return again(said(Refused, nil, "%s refused: somebody else is writing it", verb).WithHint("run again"))
	case a.status >= 500:
		return again(said(Away, nil, "the server failed to %s, after %d tries", verb, s.client.options.Attempts))
	case a.code != "":
		return said(Refused, nil, "%s refused", verb)
	}
	if missing(err) {
		return fault.Wrap(&cause{s.client.redact(innermost(err)), nil}, Credentials, "no credentials for S3 were found").At("%s", place).
			WithHint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role gives them")
	}
	if errors.Is(err, context.DeadlineExceeded) && !isNet(err) {
		return err
	}
	return again(fault.Wrap(&cause{s.client.redact(innermost(err)), nil}, Away, "%s does not answer", s.client.server()).At("%s", place).
		WithHint("check the endpoint and the network, then run again"))
}

// racing reports whether a write was refused only because another one of the
// same key was under way. Other conflicts stay, however often it is tried.
func racing(a answer) bool {
	return a.status == http.StatusConflict && is(a.code, "ConditionalRequestConflict", "OperationAborted")
}

func is(code string, any ...string) bool {
	for _, a := range any {
		if code == a {
			return true
		}
	}
	return false
}

func isNet(err error) bool {
	var n net.Error
	var sent *smithyhttp.RequestSendError
	return errors.As(err, &sent) && errors.As(err, &n)
}

// missing reports whether a request could not be signed.
func missing(err error) bool {
	var signing *v4.SigningError
	return errors.As(err, &signing) || strings.Contains(err.Error(), "get identity:") || strings.Contains(err.Error(), "failed to refresh cached credentials")
}

// innermost is the text of what an error began with: the SDK puts many words
// around it.
func innermost(err error) string {
	for {
		var retry *aws.RequestCanceledError
		if errors.As(err, &retry) {
			return retry.Error()
		}
		var op *net.OpError
		if errors.As(err, &op) {
			return op.Error()
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// redact removes credentials from a text.
func (c *client) redact(text string) string {
	c.mu.Lock()
	creds := c.creds
	c.mu.Unlock()
	if creds == nil {
		return text
	}
	for _, s := range creds.secrets() {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[REDACTED]")
		}
	}
	return text
}

// server names the server for a message.
func (c *client) server() string {
	if c.cfg.Endpoint != "" {
		return c.cfg.Endpoint
	}
	return "Amazon S3"
}
