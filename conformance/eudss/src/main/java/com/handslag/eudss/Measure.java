package com.handslag.eudss;

import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.pades.PAdESSignatureParameters;
import eu.europa.esig.dss.pades.signature.PAdESService;
import eu.europa.esig.dss.service.http.commons.TimestampDataLoader;
import eu.europa.esig.dss.service.tsp.OnlineTSPSource;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Signature;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Signs or verifies one file, to be measured; see dev/bench/rivals/README.md. */
public final class Measure {
	public static void main(String[] args) throws Exception {
		run(args);
		long began = System.nanoTime();
		String said = run(args);
		double took = (System.nanoTime() - began) / 1e6;
		Matcher peak = Pattern.compile("VmHWM:\\s+(\\d+)").matcher(Files.readString(Path.of("/proc/self/status")));
		System.out.println("{\"ms\":" + took + ",\"peak\":" + (peak.find() ? peak.group(1) : "0") + ",\"said\":" + Json.text(said) + "}");
	}

	private static String run(String[] args) throws Exception {
		return args[0].equals("sign") ? sign(args) : verify(args);
	}

	private static String sign(String[] args) throws Exception {
		Identity by = Identity.read(Path.of(args[5]));
		PAdESService service = new PAdESService(new World(args[4]).offline());
		service.setTspSource(new OnlineTSPSource(args[3], new TimestampDataLoader()));
		PAdESSignatureParameters parameters = new PAdESSignatureParameters();
		parameters.setSignatureLevel(SignatureLevel.PAdES_BASELINE_T);
		parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
		parameters.setSigningCertificate(by.chain().get(0));
		parameters.setCertificateChain(by.chain());
		DSSDocument in = new FileDocument(args[1]);
		byte[] asked = service.getDataToSign(in, parameters).getBytes();
		SignatureAlgorithm algorithm = SignatureAlgorithm.getAlgorithm(parameters.getEncryptionAlgorithm(), DigestAlgorithm.SHA256);
		Signature signature = Signature.getInstance(algorithm.getJCEId());
		signature.initSign(by.key());
		signature.update(asked);
		service.signDocument(in, parameters, new SignatureValue(algorithm, signature.sign())).save(args[2]);
		return "B-T";
	}

	private static String verify(String[] args) throws Exception {
		SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(args[1]));
		validator.setCertificateVerifier(new World(args[2]).offline());
		SimpleReport report = validator.validateDocument().getSimpleReport();
		return String.valueOf(report.getIndication(report.getFirstSignatureId()));
	}

	private Measure() {
	}
}
