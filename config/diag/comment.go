package diag

// Comment is a remark in a user's text.
type Comment struct {
	Text  string // without what marks it as one, blanks at the ends removed
	Range Range
	// First and Last are the lines the comment is about: its own where
	// something stands in front of it, else those of what follows it; 0 where
	// nothing does.
	First, Last int
}
