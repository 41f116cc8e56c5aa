package pdf

import "strconv"

// rectangle is one of ISO 32000-2 7.9.5 with its corners in order.
type rectangle struct{ left, bottom, right, top float64 }

func rectangleOf(o Object) (rectangle, bool) {
	a, _ := o.(Array)
	if len(a) != 4 {
		return rectangle{}, false
	}
	var n [4]float64
	for i, v := range a {
		switch x := v.(type) {
		case Integer:
			n[i] = float64(x)
		case Real:
			f, err := strconv.ParseFloat(string(x), 64)
			if err != nil {
				return rectangle{}, false
			}
			n[i] = f
		default:
			return rectangle{}, false
		}
	}
	return rectangle{min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3])}, true
}

func (r rectangle) empty() bool { return r.left >= r.right || r.bottom >= r.top }

func (r rectangle) area() float64 { return (r.right - r.left) * (r.top - r.bottom) }

func (r rectangle) meets(o rectangle) bool {
	return !r.empty() && !o.empty() && r.left < o.right && o.left < r.right && r.bottom < o.top && o.bottom < r.top
}

// invisible: a widget without extent, or a hidden one (12.5.3).
func invisible(d Dict) bool {
	const hidden = 2
	if f, ok := d["F"].(Integer); ok && f&hidden != 0 {
		return true
	}
	r, ok := rectangleOf(d["Rect"])
	return ok && r.empty()
}
