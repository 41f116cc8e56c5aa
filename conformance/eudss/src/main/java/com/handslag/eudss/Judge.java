package com.handslag.eudss;

import eu.europa.esig.dss.diagnostic.AbstractTokenProxy;
import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.PDFRevisionWrapper;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.enumerations.SubIndication;
import eu.europa.esig.dss.enumerations.TimestampType;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * Judges files with DSS's default policy: reads lines "LEVEL TAB PATH" until the
 * end and answers each with one line of JSON, in any order. Arguments are PEM
 * files of roots. Below B-LT the status of certificates is asked where they say;
 * from B-LT on nothing is fetched, since the file must hold all of it.
 */
public final class Judge {
	public static void main(String[] args) throws Exception {
		World world = new World(args);
		PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
		ExecutorService workers = Executors.newFixedThreadPool(2);
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line; (line = in.readLine()) != null;) {
			String[] job = line.split("\t", 2);
			workers.submit(() -> out.println(judge(world, job[0], job[1])));
		}
		workers.shutdown();
		workers.awaitTermination(1, java.util.concurrent.TimeUnit.HOURS);
	}

	private static String judge(World world, String level, String path) {
		try {
			return "{\"file\":" + Json.text(path) + ",\"signatures\":[" + String.join(",", signatures(world, level, path)) + "]}";
		} catch (Exception | StackOverflowError e) {
			return "{\"file\":" + Json.text(path) + ",\"error\":" + Json.text(e.toString()) + "}";
		}
	}

	private static List<String> signatures(World world, String level, String path) {
		SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(path));
		boolean complete = level.equals("B-LT") || level.equals("B-LTA");
		validator.setCertificateVerifier(complete ? world.offline() : world.online());
		Reports reports = validator.validateDocument();
		SimpleReport simple = reports.getSimpleReport();
		DiagnosticData data = reports.getDiagnosticData();
		List<String> all = new ArrayList<>();
		for (SignatureWrapper s : data.getSignatures()) {
			String form = String.valueOf(simple.getSignatureFormat(s.getId())).replace("PAdES-BASELINE-", "B-");
			all.add(row("signature", form, s, s.getPDFRevision(), simple.getIndication(s.getId()), simple.getSubIndication(s.getId()), simple));
		}
		for (TimestampWrapper t : data.getTimestampList()) {
			if (t.getType() == TimestampType.DOCUMENT_TIMESTAMP) {
				all.add(row("timestamp", "", t, t.getPDFRevision(), simple.getIndication(t.getId()), simple.getSubIndication(t.getId()), simple));
			}
		}
		return all;
	}

	private static String row(String kind, String level, AbstractTokenProxy token, PDFRevisionWrapper revision,
			Indication indication, SubIndication sub, SimpleReport simple) {
		// The default policy only warns of most of these; none may be in what we make.
		List<String> changes = new ArrayList<>();
		if (!revision.getPdfUndefinedChanges().isEmpty()) {
			changes.add("undefined changes");
		}
		if (!revision.getPdfAnnotationChanges().isEmpty()) {
			changes.add("annotation changes");
		}
		if (!revision.getPdfAnnotationsOverlapConcernedPages().isEmpty()) {
			changes.add("overlapping annotations");
		}
		if (!revision.getPdfVisualDifferenceConcernedPages().isEmpty()) {
			changes.add("visual difference");
		}
		if (!revision.getPdfPageDifferenceConcernedPages().isEmpty()) {
			changes.add("page difference");
		}
		String why = simple.getAdESValidationErrors(token.getId()).stream().map(m -> m.getValue()).collect(Collectors.joining(" "));
		return "{\"field\":" + Json.text(revision.getFirstFieldName()) + ",\"kind\":" + Json.text(kind) + ",\"level\":" + Json.text(level)
				+ ",\"indication\":" + Json.text(words(indication)) + ",\"sub\":" + Json.text(sub == null ? "" : sub.name())
				+ ",\"changes\":" + Json.text(String.join(", ", changes)) + ",\"why\":" + Json.text(why) + "}";
	}

	/** A timestamp is PASSED in DSS's words where a signature is TOTAL_PASSED. */
	private static String words(Indication i) {
		switch (i) {
			case TOTAL_PASSED: case PASSED: return "TOTAL-PASSED";
			case TOTAL_FAILED: case FAILED: return "TOTAL-FAILED";
			default: return i.name();
		}
	}
}
