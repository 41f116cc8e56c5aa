package signing

import (
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
)

var errNIN = fault.New(fault.Invalid, "personal_number_invalid",
	"The national identity number must be 11 digits, DDMMYYIIICC, with a valid date and check digits.")

// ParseNIN reads a Norwegian national identity number (fødselsnummer): eleven
// digits DDMMYYIIICC with two check digits, modulo 11. A D number, with 40 added
// to the day, is one too, and so are those of test persons, with 40, 65 or 80
// added to the month. Its error never contains the input.
func ParseNIN(s string) (PersonalNumber, error) {
	if len(s) != 11 || strings.Trim(s, "0123456789") != "" {
		return PersonalNumber{}, errNIN.In("", "format", "Not eleven digits, as a Norwegian number has them.")
	}
	if !norwegianDate(s) {
		return PersonalNumber{}, errNIN.In("", "date", "The first six digits are no date.")
	}
	if weighed(s, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1) != 0 || weighed(s, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1) != 0 {
		return PersonalNumber{}, errNIN.In("", "checksum", "A check digit is wrong.")
	}
	return PersonalNumber{s}, nil
}

// Norwegian reports whether the number is a Norwegian one.
func (n PersonalNumber) Norwegian() bool { return len(n.digits) == 11 }

func norwegianDate(s string) bool {
	day, month := number(s[:2]), number(s[2:4])
	if day > 40 {
		day -= 40
	}
	for _, raised := range []int{80, 65, 40} {
		if month > raised {
			month -= raised
			break
		}
	}
	// The century is in the individual number, by rules that have changed; a
	// leap year lets the 29th of February be.
	return month >= 1 && month <= 12 && day >= 1 && day <= time.Date(2000, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func number(digits string) int {
	n := 0
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	return n
}

func weighed(digits string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += w * int(digits[i]-'0')
	}
	return sum % 11
}
