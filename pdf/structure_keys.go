package pdf

// maxKey leaves room below the greatest integer (annex C.2) for what is added.
const maxKey = 1 << 30

// greatestKey is the greatest key into a structure that any object of the document
// has, -1 when none has one. Pages that were taken out of another document, one of
// ours perhaps, keep their keys into a tree that is gone; a page of ours must not
// give them elements.
func (f *File) greatestKey() (int64, error) {
	greatest := int64(-1)
	err := f.eachObject(func(_ uint32, o Object) error {
		return f.keysIn(o, func(n int64) { greatest = max(greatest, n) })
	})
	if err == nil && greatest >= maxKey {
		err = damaged("a key into its structure is out of bounds")
	}
	return greatest, err
}

// keysIn goes no deeper than the parser did.
func (f *File) keysIn(o Object, found func(int64)) error {
	switch v := o.(type) {
	case *Stream:
		return f.keysIn(v.Dict, found)
	case Dict:
		for k, e := range v {
			if err := f.keysIn(e, found); err != nil {
				return err
			}
			if k != "StructParent" && k != "StructParents" {
				continue
			}
			n, ok, err := f.integer(e)
			if err != nil {
				return err
			}
			if !ok { // some readers take 4.0 for 4
				return damaged("a key into its structure is no number")
			}
			found(n)
		}
	case Array:
		for _, e := range v {
			if err := f.keysIn(e, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastKey is the greatest key of a number tree (7.9.7), -1 when it has none; not
// sound when there is something else in its last place.
func (f *File) lastKey(node Dict, depth int) (last int64, sound bool, err error) {
	if depth > f.limits.MaxDepth {
		return 0, false, nil
	}
	kids, err := f.array(node["Kids"])
	if err != nil {
		return 0, false, err
	}
	last = -1
	if limits, err := f.array(node["Limits"]); err != nil {
		return 0, false, err
	} else if len(limits) == 2 {
		n, ok := limits[1].(Integer)
		if !ok {
			return 0, false, nil
		}
		last = int64(n)
	}
	if len(kids) > 0 {
		kid, err := f.dict(kids[len(kids)-1])
		if err != nil || kid == nil {
			return 0, false, err
		}
		n, sound, err := f.lastKey(kid, depth+1)
		return max(last, n), sound, err
	}
	nums, err := f.array(node["Nums"])
	if err != nil || len(nums) == 0 {
		return last, err == nil, err
	}
	if len(nums)%2 != 0 {
		return 0, false, nil
	}
	key, ok := nums[len(nums)-2].(Integer)
	return max(last, int64(key)), ok, nil
}
