package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/host/fault"
)

// failed makes an error of an exchange with a broker.
func (c *client) failed(err error, addr string) error {
	if fault.As(err) != nil || errors.Is(err, context.Canceled) {
		return err
	}
	if code := kafkago.Error(0); errors.As(err, &code) {
		return refused(int16(code), addr)
	}
	if errors.Is(err, errLogin) {
		return fault.Wrap(err, LoginRefused, "the broker does not let user %q in", c.cfg.Username).At("kafka %s", addr).
			WithHint("check username, password and mechanism")
	}
	if isTLS(err) {
		return fault.Wrap(err, BadTLS, "the broker's certificate, or ours, is not accepted").At("kafka %s", addr).
			WithHint("check ca, cert, key and server_name of [tls]")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		// io.EOF in the tree would be taken for the end of the rows.
		err = errors.New("the connection was closed")
	}
	e := fault.Wrap(err, Unreachable, "the broker does not answer").At("kafka %s", addr).WithHint("%s", c.hint())
	e.Retry = true
	return e
}

func (c *client) hint() string {
	if c.tls == nil && c.sasl == nil {
		return "check the address, and whether the broker wants [tls] or a mechanism"
	}
	return "check the address, and whether this port takes TLS and SASL as given"
}

func isTLS(err error) bool {
	var (
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		op        *net.OpError
	)
	if errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) {
		return true
	}
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// refused makes an error of an error code of the protocol.
func refused(code int16, what string) *fault.Error {
	k := kafkago.Error(code)
	var e *fault.Error
	switch k {
	case kafkago.UnknownTopicOrPartition, kafkago.InvalidTopic:
		e = fault.New(NoTopic, "the brokers know no such topic or partition").WithHint("check the name, or create the topic first")
	case kafkago.TopicAuthorizationFailed, kafkago.GroupAuthorizationFailed, kafkago.ClusterAuthorizationFailed:
		e = fault.New(NotAllowed, "the user may not do this: %s", k.Title()).WithHint("grant Describe and Read, or Write, on the topic, and Read on the group")
	case kafkago.SASLAuthenticationFailed, kafkago.UnsupportedSASLMechanism, kafkago.IllegalSASLState:
		e = fault.New(LoginRefused, "the broker does not let the user in: %s", k.Title()).WithHint("check username, password and mechanism")
	case kafkago.OffsetOutOfRange:
		e = fault.New(OffsetGone, "the partition does not hold the offset any more")
	case kafkago.MessageSizeTooLarge:
		e = fault.New(TooLong, "a message is larger than the topic takes").WithHint("raise max.message.bytes of the topic")
	case kafkago.RecordListTooLarge:
		e = fault.New(TooLong, "a message is larger than a segment of the topic").WithHint("raise segment.bytes of the topic")
	default:
		e = fault.New(Refused, "the broker refuses: %s", k.Error())
		e.Retry = k.Temporary()
	}
	return e.At("kafka %s", what)
}
