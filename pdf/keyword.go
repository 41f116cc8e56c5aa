package pdf

// keyword is what the census makes of a name.
type keyword uint8

const (
	wordPlain keyword = iota
	wordTelling
	wordF
	wordLength
	wordType
	wordPage
	wordObjStm
	wordXRef
	wordLinearized
)

// wordOf knows the names by which the census steers. An object with a telling one,
// as a key or as a value, is built and judged; all that judge.object looks for is
// in an object with one of them.
func wordOf(name []byte) keyword {
	switch string(name) {
	case "F":
		return wordF
	case "Length":
		return wordLength
	case "Type":
		return wordType
	case "Page":
		return wordPage
	case "ObjStm":
		return wordObjStm
	case "XRef":
		return wordXRef
	case "Linearized":
		return wordLinearized
	case "JS", "JavaScript", "Launch", "ImportData", "GoToE", "SubmitForm", "AA",
		"FFilter", "Ref", "URL", "EF",
		"RichMedia", "Movie", "Sound", "Screen", "Rendition", "3D":
		return wordTelling
	}
	return wordPlain
}

// keyHash is FNV-1a. It only says which keys are worth comparing.
func keyHash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
