package worker

import (
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/handslag/handslag/keyring"
)

const (
	encoding = "binary/encrypted"
	// payloadContext keeps a payload from being passed off as evidence, which
	// the same keys encrypt.
	payloadContext = "temporal payload"
)

// codec encrypts everything that Temporal stores for us: arguments, results,
// heartbeat details, failures and summaries.
type codec struct{ ring *keyring.Ring }

// Encode implements converter.PayloadCodec.
func (c codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode payload: %w", err)
		}
		sealed, err := c.ring.Seal(plain, payloadContext)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding)}, Data: sealed,
		}
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. A payload that is not encrypted is
// refused: whoever put it there had not our key.
func (c codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encoding {
			return nil, fmt.Errorf("decrypt payload: it is not encrypted")
		}
		plain, err := c.ring.Open(p.GetData(), payloadContext)
		if err != nil {
			return nil, fmt.Errorf("decrypt payload: %w", err)
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, fmt.Errorf("decode payload: %w", err)
		}
	}
	return out, nil
}

// DataConverter encodes payloads as JSON and encrypts them with the ring.
func DataConverter(ring *keyring.Ring) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec{ring})
}
