package dokploy

// Secret is text that is never to be shown: printing it by accident shows
// nothing.
type Secret string

func (Secret) String() string { return "(secret)" }

// GoString is for %#v.
func (Secret) GoString() string { return "(secret)" }
