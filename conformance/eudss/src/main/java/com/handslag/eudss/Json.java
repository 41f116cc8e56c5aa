package com.handslag.eudss;

/** Writes the little JSON that is needed here. */
final class Json {
	static String text(String s) {
		StringBuilder b = new StringBuilder("\"");
		for (char c : (s == null ? "" : s).toCharArray()) {
			if (c == '"' || c == '\\') {
				b.append('\\').append(c);
			} else if (c < ' ') {
				b.append(String.format("\\u%04x", (int) c));
			} else {
				b.append(c);
			}
		}
		return b.append('"').toString();
	}

	private Json() {
	}
}
