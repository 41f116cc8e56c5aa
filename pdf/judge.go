package pdf

import (
	"bytes"
	"io"
	"path"
	"strings"
)

// judge looks for what acts, fetches or hides, wherever it hangs: an object that
// nothing refers to today may be referred to by a later revision.
type judge struct {
	file     *File
	findings map[Rule]*Finding
	num      uint32 // the object it is in
}

func (j *judge) found(r Rule) {
	x := j.findings[r]
	if x == nil {
		x = &Finding{Rule: r, object: j.num}
		j.findings[r] = x
	}
	x.Count++
}

// list is what was found, in the order of the rules.
func (j *judge) list() []Finding {
	var all []Finding
	for _, x := range rules {
		if f := j.findings[x.rule]; f != nil {
			all = append(all, *f)
		}
	}
	return all
}

// object judges what is in an object. All that it looks for needs a telling name
// ([wordOf]), so that the census can leave out the rest.
func (j *judge) object(o Object, num uint32) error {
	j.num = num
	s, ok := o.(*Stream)
	if !ok {
		return j.value(o, 0)
	}
	// Table 5: the data is in another file.
	if s.Dict["F"] != nil || s.Dict["FFilter"] != nil {
		j.found(RuleExternalStream)
	}
	// 8.10.4: the form is a page of another file.
	if s.Dict.name("Subtype") == "Form" && s.Dict["Ref"] != nil {
		j.found(RuleExternalStream)
	}
	return j.value(s.Dict, 0)
}

func (j *judge) value(o Object, depth int) error {
	if depth > j.file.limits.MaxDepth {
		return tooComplex("objects nested too deep")
	}
	switch v := o.(type) {
	case Array:
		for _, e := range v {
			if err := j.value(e, depth+1); err != nil {
				return err
			}
		}
	case Dict:
		if err := j.dict(v); err != nil {
			return err
		}
		for _, e := range v {
			if err := j.value(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *judge) dict(d Dict) error {
	j.action(d)
	j.annotation(d)
	if d.name("FS") == "URL" {
		j.found(RuleRemoteFile)
	}
	if err := j.triggers(d); err != nil {
		return err
	}
	return j.attached(d)
}

// action knows the dangerous kinds of action (ISO 32000-2 table 201), and any
// dictionary that carries a script.
func (j *judge) action(d Dict) {
	switch d.name("S") {
	case "JavaScript":
		j.found(RuleJavaScript)
		return
	case "Launch", "ImportData":
		j.found(RuleLaunch)
	case "GoToE":
		j.found(RuleEmbeddedGoTo)
	case "SubmitForm":
		j.found(RuleSubmitForm)
	case "Rendition", "Movie", "Sound":
		j.found(RuleMultimedia)
	}
	if d["JS"] != nil || d["JavaScript"] != nil {
		j.found(RuleJavaScript)
	}
}

// hiddenFlags are Hidden and NoView (table 167).
const hiddenFlags = 1<<1 | 1<<5

func (j *judge) annotation(d Dict) {
	switch d.name("Subtype") {
	case "":
		return
	case "RichMedia", "Movie", "Sound", "Screen":
		j.found(RuleMultimedia)
	case "3D":
		j.found(Rule3D)
	case "Popup":
		return // shows when its note is opened
	}
	if flags, ok := d["F"].(Integer); ok && flags&hiddenFlags != 0 && d["Rect"] != nil {
		j.found(RuleHiddenAnnotations)
	}
}

// moments are when an additional action happens (tables 197 to 200).
var moments = [...]Name{
	"E", "X", "D", "U", "Fo", "Bl", "PO", "PC", "PV", "PI", "O", "C", "K", "F", "V", "WC", "WS", "DS", "WP", "DP",
}

// triggers finds additional actions (12.6.3), which need nobody to ask for them,
// that do more than go to a place in the document.
func (j *judge) triggers(d Dict) error {
	all, err := j.anyDict(d["AA"])
	if err != nil {
		return err
	}
	for _, m := range moments {
		reaches, err := j.file.reachesOut(all[m])
		if err != nil {
			return err
		}
		if reaches {
			j.found(RuleOpenAction)
		}
	}
	return nil
}

// anyDict resolves o to a dictionary; nil when it is anything else, since the same
// key has other meanings elsewhere.
func (j *judge) anyDict(o Object) (Dict, error) {
	o, err := j.file.resolve(o)
	d, _ := o.(Dict)
	return d, err
}

// maxActions bounds a chain of actions; honest ones have a few.
const maxActions = 64

// reachesOut reports whether an action, or one that follows it (table 196, Next),
// does anything but show a place in the document.
func (f *File) reachesOut(o Object) (bool, error) {
	queue := Array{o}
	for done := 0; len(queue) > 0; done++ {
		if done > maxActions || len(queue) > maxActions {
			return false, tooComplex("too many actions")
		}
		o, err := f.resolve(queue[0])
		if err != nil {
			return false, err
		}
		queue = queue[1:]
		switch v := o.(type) {
		case Array:
			queue = append(queue, v...)
		case Dict:
			if s := v.name("S"); s != "" && s != "GoTo" && s != "Named" {
				return true, nil
			}
			queue = append(queue, v["Next"])
		}
	}
	return false, nil
}

// harmless refuses, with a fault, an object that the default policy would refuse
// in an upload.
func (f *File) harmless(o Object) error {
	j := judge{file: f, findings: map[Rule]*Finding{}}
	if err := j.object(o, 0); err != nil {
		return err
	}
	return Policy(nil).Judge(&Report{Findings: j.list()})
}

// programs are the endings of names by which systems know what to run.
var programs = map[string]bool{
	".app": true, ".bat": true, ".cmd": true, ".com": true, ".cpl": true, ".dll": true, ".exe": true, ".hta": true,
	".jar": true, ".js": true, ".jse": true, ".lnk": true, ".msi": true, ".msp": true, ".pif": true, ".ps1": true,
	".reg": true, ".scr": true, ".sh": true, ".vbe": true, ".vbs": true, ".wsf": true, ".wsh": true,
}

// magic are the first bytes of programs: Windows, Linux, scripts, macOS, Java.
var magic = [...]string{
	"MZ", "\x7fELF", "#!", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe",
}

// attached looks at the files of a file specification (7.11.3): their names and
// first bytes.
func (j *judge) attached(d Dict) error {
	if d["EF"] == nil {
		return nil
	}
	for _, k := range [...]Name{"F", "UF"} {
		o, err := j.file.resolve(d[k])
		if err != nil {
			return err
		}
		if s, ok := o.(String); ok && programs[strings.ToLower(path.Ext(strings.TrimRight(fromText(s), " .")))] {
			j.found(RuleExecutable)
			return nil
		}
	}
	files, err := j.anyDict(d["EF"])
	if err != nil {
		return err
	}
	for _, k := range [...]Name{"F", "UF", "DOS", "Mac", "Unix"} {
		o, err := j.file.resolve(files[k])
		if err != nil {
			return err
		}
		if s, ok := o.(*Stream); ok && j.file.isProgram(s) {
			j.found(RuleExecutable)
			return nil
		}
	}
	return nil
}

// isProgram looks at the first bytes of a file. One that cannot be unpacked is
// none: nobody can run it.
func (f *File) isProgram(s *Stream) bool {
	var head [4]byte
	r, err := f.unpack(s)
	if err != nil {
		return false
	}
	n, _ := io.ReadFull(r, head[:])
	for _, m := range magic {
		if bytes.HasPrefix(head[:n], []byte(m)) {
			return true
		}
	}
	return false
}
