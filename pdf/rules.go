package pdf

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/handslag/handslag/fault"
)

// Rule names one thing that an upload may hold and that decides whether people
// should be asked to sign it. It is also the code of the fault that refuses it.
type Rule string

// The rules, beside the faults of reading, which no policy can lift.
const (
	RuleJavaScript     Rule = "pdf_javascript"
	RuleLaunch         Rule = "pdf_launch"
	RuleEmbeddedGoTo   Rule = "pdf_embedded_goto"
	RuleOpenAction     Rule = "pdf_open_action"
	RuleXFA            Rule = "pdf_xfa"
	RuleExternalStream Rule = "pdf_external_stream"
	RuleExecutable     Rule = "pdf_executable"
	RuleMultimedia     Rule = "pdf_multimedia"
	RulePageCount      Rule = "pdf_page_count"

	Rule3D                Rule = "pdf_3d"
	RuleSubmitForm        Rule = "pdf_submit_form"
	RuleRemoteFile        Rule = "pdf_remote_file"
	RuleFormFields        Rule = "pdf_form_fields"
	RuleAttachments       Rule = "pdf_attachments"
	RuleOptionalContent   Rule = "pdf_optional_content"
	RuleHiddenLayers      Rule = "pdf_hidden_layers"
	RuleHiddenAnnotations Rule = "pdf_hidden_annotations"
	RuleDangling          Rule = "pdf_dangling_references"
	RuleUnreferenced      Rule = "pdf_unreferenced_objects"
	RuleReplacedContent   Rule = "pdf_replaced_content"
	RuleFragmentedXRef    Rule = "pdf_fragmented_xref"
	RuleHybrid            Rule = "pdf_hybrid"
	RuleSigned            Rule = "pdf_already_signed"
	RuleLocked            Rule = "pdf_locked"
	RuleArchival          Rule = "pdf_archival"
)

// Action is what a policy does about a finding.
type Action string

// The actions. A finding is reported in any case.
const (
	ActionRefuse Action = "refuse"
	ActionReport Action = "report"
)

type ruling struct {
	rule    Rule
	action  Action
	message string
}

// rules are all rules with what happens unless a policy says otherwise, in the
// order in which a refusal names them: the most dangerous first.
var rules = [...]ruling{
	{RuleJavaScript, ActionRefuse, "The PDF contains JavaScript."},
	{RuleLaunch, ActionRefuse, "The PDF can start a program or load other files."},
	{RuleExecutable, ActionRefuse, "The PDF carries a program as an attached file."},
	{RuleEmbeddedGoTo, ActionRefuse, "The PDF opens documents hidden inside it."},
	{RuleOpenAction, ActionRefuse, "The PDF does something of its own when it is opened."},
	{RuleXFA, ActionRefuse, "The PDF holds an XFA form, which can show other content than its pages."},
	{RuleExternalStream, ActionRefuse, "The PDF takes content from another file."},
	{RuleMultimedia, ActionRefuse, "The PDF plays sound, film or other media, which a signature on a page cannot stand for."},
	{RulePageCount, ActionRefuse, "The PDF states another number of pages than it has, so that readers may show more or fewer of them."},

	{RuleSigned, ActionReport, "The PDF carries a signature already."},
	{RuleLocked, ActionReport, "A signature in the PDF forbids any further one."},
	{RuleArchival, ActionReport, "The PDF claims PDF/A-1 or PDF/A-2, which no attached file may follow."},
	{RuleFormFields, ActionReport, "The PDF has form fields, which can be filled in after it was signed."},
	{RuleSubmitForm, ActionReport, "The PDF can send what is filled in to an address."},
	{RuleRemoteFile, ActionReport, "The PDF refers to files at other addresses."},
	{RuleAttachments, ActionReport, "The PDF carries attached files."},
	{RuleHiddenLayers, ActionReport, "Layers of the PDF are hidden, or print otherwise than they show."},
	{RuleOptionalContent, ActionReport, "The PDF has layers that its reader can show and hide."},
	{RuleHiddenAnnotations, ActionReport, "The PDF has hidden annotations."},
	{Rule3D, ActionReport, "The PDF holds a three-dimensional model, which shows more than a page."},
	{RuleReplacedContent, ActionReport, "The PDF holds older versions of its pages or of what they show."},
	{RuleUnreferenced, ActionReport, "The PDF holds objects that are no part of the document, and that a later change could make one."},
	{RuleDangling, ActionReport, "The PDF refers to objects that do not exist, and that a later change could define."},
	{RuleFragmentedXRef, ActionReport, "The PDF's first cross-reference table is in pieces; some readers call its first signature invalid once a second one follows."},
	{RuleHybrid, ActionReport, "The PDF lists some objects for newer readers only, so that older ones may show another document."},
}

// Rules lists the rules and what happens about each unless a policy says
// otherwise.
func Rules() Policy {
	p := Policy{}
	for _, x := range rules {
		p[x.rule] = x.action
	}
	return p
}

// Finding is a rule that an upload meets, in numbers only.
type Finding struct {
	Rule  Rule `json:"rule"`
	Count int  `json:"count"`
	// Page is the first page it was found on; 0 when it hangs on none, or deeper
	// than on the page itself and its annotations.
	Page int `json:"page,omitempty"`

	object uint32 // that it was first found in
}

// Policy says per rule what to do; a rule that it does not name has its default.
// The zero Policy is the default and is strict.
type Policy map[Rule]Action

// Validate refuses a policy with rules or actions that do not exist.
func (p Policy) Validate() error {
	for r, a := range p {
		if !slices.ContainsFunc(rules[:], func(x ruling) bool { return x.rule == r }) {
			return fmt.Errorf("there is no rule %q for uploads", string(r))
		}
		if a != ActionRefuse && a != ActionReport {
			return fmt.Errorf("the action of rule %s can be %s or %s, not %q", r, ActionRefuse, ActionReport, string(a))
		}
	}
	return nil
}

// Judge refuses, with a fault whose code is the rule, an upload with a finding
// that the policy refuses.
func (p Policy) Judge(r *Report) error {
	for _, x := range rules {
		if cmp.Or(p[x.rule], x.action) != ActionRefuse {
			continue
		}
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Rule == x.rule }) {
			return fault.New(fault.Invalid, string(x.rule), "%s", x.message)
		}
	}
	return nil
}
