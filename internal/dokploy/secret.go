package dokploy

// Secret is text that must never be shown. Printing it by accident shows
// nothing.
type Secret string

func (Secret) String() string { return "(secret)" }

// GoString covers %#v.
func (Secret) GoString() string { return "(secret)" }
