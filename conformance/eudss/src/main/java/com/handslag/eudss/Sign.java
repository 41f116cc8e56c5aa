package com.handslag.eudss;

import eu.europa.esig.dss.enumerations.CertificationPermission;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.InMemoryDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.pades.PAdESSignatureParameters;
import eu.europa.esig.dss.pades.SignatureFieldParameters;
import eu.europa.esig.dss.pades.SignatureImageParameters;
import eu.europa.esig.dss.pades.SignatureImageTextParameters;
import eu.europa.esig.dss.pades.signature.PAdESService;
import eu.europa.esig.dss.service.http.commons.TimestampDataLoader;
import eu.europa.esig.dss.service.tsp.OnlineTSPSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Signs as DSS does, for our own verifier to judge. Arguments: PDF FOLDER TSA ROOTS
 * IDENTITY..., each identity a PEM file of key and chain. Answers each file that
 * it wrote with a line "LEVEL TAB SIGNATURES TAB PATH".
 */
public final class Sign {
	private final PAdESService service;
	private final List<Identity> identities;
	private final DSSDocument upload;
	private final Path folder;

	public static void main(String[] args) throws Exception {
		List<Identity> identities = new ArrayList<>();
		for (String file : List.of(args).subList(4, args.length)) {
			identities.add(Identity.read(Path.of(file)));
		}
		Sign s = new Sign(new World(args[3]), args[2], identities, new FileDocument(args[0]), Path.of(args[1]));
		for (Map.Entry<String, SignatureLevel> level : LEVELS.entrySet()) {
			s.sequences(level.getKey(), level.getValue());
		}
		s.certified("B-LTA", SignatureLevel.PAdES_BASELINE_LTA);
	}

	private static final Map<String, SignatureLevel> LEVELS = new TreeMap<>(Map.of(
			"B-B", SignatureLevel.PAdES_BASELINE_B, "B-T", SignatureLevel.PAdES_BASELINE_T,
			"B-LT", SignatureLevel.PAdES_BASELINE_LT, "B-LTA", SignatureLevel.PAdES_BASELINE_LTA));

	private Sign(World world, String authority, List<Identity> identities, DSSDocument upload, Path folder) {
		this.service = new PAdESService(world.online());
		service.setTspSource(new OnlineTSPSource(authority, new TimestampDataLoader()));
		this.identities = identities;
		this.upload = upload;
		this.folder = folder;
	}

	private void sequences(String level, SignatureLevel dss) throws Exception {
		DSSDocument seen = write(level, "visible", 1, sign(upload, dss, 0, null, true));
		write(level, "visible", 2, sign(seen, dss, 1, null, false));
	}

	private void certified(String level, SignatureLevel dss) throws Exception {
		for (CertificationPermission p : CertificationPermission.values()) {
			DSSDocument first = write(level, "p" + p.getCode(), 1, sign(upload, dss, 0, p, false));
			if (p != CertificationPermission.NO_CHANGE_PERMITTED) {
				DSSDocument second = sign(first, dss, 1, null, false);
				write(level, "p" + p.getCode(), 3, sign(second, dss, 2, null, false));
			}
		}
	}

	private DSSDocument write(String level, String name, int signatures, DSSDocument made) throws Exception {
		Path path = folder.resolve("eudss-" + level.toLowerCase() + "-" + name + "-" + signatures + ".pdf");
		byte[] all = made.openStream().readAllBytes();
		Files.write(path, all);
		System.out.println(level + "\t" + signatures + "\t" + path);
		return new InMemoryDocument(all);
	}

	private DSSDocument sign(DSSDocument what, SignatureLevel level, int who, CertificationPermission p, boolean visible) throws Exception {
		Identity by = identities.get(who % identities.size());
		PAdESSignatureParameters parameters = new PAdESSignatureParameters();
		parameters.setSignatureLevel(level);
		parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
		parameters.setSigningCertificate(by.chain().get(0));
		parameters.setCertificateChain(by.chain());
		parameters.setReason("Contract");
		if (p != null) {
			parameters.setPermission(p);
		}
		if (visible) {
			parameters.setImageParameters(stamp());
		}
		byte[] asked = service.getDataToSign(what, parameters).getBytes();
		SignatureAlgorithm algorithm = SignatureAlgorithm.getAlgorithm(parameters.getEncryptionAlgorithm(), DigestAlgorithm.SHA256);
		java.security.Signature signature = java.security.Signature.getInstance(algorithm.getJCEId());
		signature.initSign(by.key());
		signature.update(asked);
		return service.signDocument(what, parameters, new SignatureValue(algorithm, signature.sign()));
	}

	private static SignatureImageParameters stamp() {
		SignatureImageTextParameters text = new SignatureImageTextParameters();
		text.setText("Signed by somebody");
		SignatureFieldParameters field = new SignatureFieldParameters();
		field.setPage(1);
		field.setOriginX(72);
		field.setOriginY(600);
		field.setWidth(200);
		field.setHeight(50);
		SignatureImageParameters image = new SignatureImageParameters();
		image.setTextParameters(text);
		image.setFieldParameters(field);
		return image;
	}
}
