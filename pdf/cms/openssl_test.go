package cms_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
)

// What another program made is judged as it should be.
func TestSignaturesByOpenSSL(t *testing.T) {
	for name, code := range map[string]string{
		"rsa-pss-sha256": "", "rsa-sha512": "", "p384-sha384": "",
		"no-cades": cms.CodeCertUnnamed, "rsa-sha1": cms.CodeAlgorithm,
	} {
		t.Run(name, func(t *testing.T) {
			der, err := os.ReadFile(filepath.Join("testdata", name+".der"))
			require.NoError(t, err)
			s, err := cms.Parse(der)
			if err == nil {
				h := s.Digest().New()
				h.Write([]byte("document"))
				_, err = s.Verify(nil, h.Sum(nil))
				require.True(t, s.HasSigningTime())
			}
			if code == "" {
				require.NoError(t, err)
				wrong := s.Digest().New().Sum(nil)
				_, err = s.Verify(nil, wrong)
				require.Equal(t, cms.CodeDigest, fault.CodeOf(err))
				return
			}
			require.Equal(t, code, fault.CodeOf(err))
		})
	}
}
