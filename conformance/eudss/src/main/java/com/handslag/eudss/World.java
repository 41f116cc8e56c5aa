package com.handslag.eudss;

import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.service.crl.OnlineCRLSource;
import eu.europa.esig.dss.service.ocsp.OnlineOCSPSource;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * All that DSS may believe: the roots that it is given, no list of trusted
 * lists and no certificate fetched from an address in another.
 */
final class World {
	private static final Pattern PEM = Pattern.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", Pattern.DOTALL);
	private final CommonTrustedCertificateSource roots = new CommonTrustedCertificateSource();

	World(String... files) throws Exception {
		for (String file : files) {
			certificates(Files.readString(Path.of(file), StandardCharsets.US_ASCII)).forEach(roots::addCertificate);
		}
	}

	static List<CertificateToken> certificates(String text) {
		List<CertificateToken> all = new ArrayList<>();
		Matcher m = PEM.matcher(text);
		while (m.find()) {
			all.add(DSSUtils.loadCertificate(new ByteArrayInputStream(m.group().getBytes(StandardCharsets.US_ASCII))));
		}
		return all;
	}

	/** Asks for the status of certificates where they say, which in our worlds is this machine. */
	CommonCertificateVerifier online() {
		CommonCertificateVerifier v = offline();
		v.setOcspSource(new OnlineOCSPSource());
		v.setCrlSource(new OnlineCRLSource());
		return v;
	}

	CommonCertificateVerifier offline() {
		CommonCertificateVerifier v = new CommonCertificateVerifier();
		v.setTrustedCertSources(roots);
		v.setAIASource(null);
		v.setOcspSource(null);
		v.setCrlSource(null);
		return v;
	}
}
