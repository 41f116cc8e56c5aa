package com.handslag.eudss;

import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.spi.DSSUtils;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A key with its certificate and those above it. */
record Identity(PrivateKey key, List<CertificateToken> chain) {
	private static final Pattern KEY = Pattern.compile("-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----", Pattern.DOTALL);

	static Identity read(Path file) throws Exception {
		String text = Files.readString(file, StandardCharsets.US_ASCII);
		List<CertificateToken> chain = World.certificates(text);
		Matcher m = KEY.matcher(text);
		if (!m.find()) {
			throw new IllegalArgumentException("no key in " + file);
		}
		byte[] der = Base64.getMimeDecoder().decode(m.group(1));
		String kind = chain.get(0).getPublicKey().getAlgorithm();
		return new Identity(KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(der)), chain);
	}
}
