package pdf

// Tail writes an update of any objects in the writer's own layout: what somebody
// who has this package and the key, and no scruples, could append.
func Tail(rev Revision, objects map[int]string) ([]byte, error) {
	f, err := openForUpdate(rev, Limits{})
	if err != nil {
		return nil, err
	}
	u := newUpdate(f)
	for num, body := range objects {
		e, _ := f.entry(uint32(num))
		u.objects[uint32(num)] = written{gen: e.gen, body: []byte(body)}
		u.next = max(u.next, uint32(num)+1)
	}
	tail, _, err := u.tail()
	return tail, err
}

// Numbers lists the objects in use.
func (f *File) Numbers() []uint32 {
	var nums []uint32
	for _, p := range f.places() {
		nums = append(nums, p.num)
	}
	return nums
}

// Body writes an object as it is, streams aside.
func (f *File) Body(num uint32) (string, bool) {
	e, _ := f.entry(num)
	o, err := f.load(Ref{num, e.gen})
	if _, ok := o.(*Stream); ok || err != nil {
		return "", false
	}
	return string(appendObject(nil, o)), true
}
