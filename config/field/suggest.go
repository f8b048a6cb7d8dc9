package field

// Suggest returns the candidate a user most likely meant by word, or "" when
// none is near: at most a third of its letters, and never more than three, may
// differ. Words of one or two letters are near to nothing.
func Suggest(word string, candidates []string) string {
	best, bestCost := "", min(3, len(word)/3)+1
	for _, c := range candidates {
		if cost := distance(word, c, bestCost); cost < bestCost {
			best, bestCost = c, cost
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b; results of limit or more may be cut short.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var before []int // row i-2
	prev, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, make([]int, len(b)+1)
	}
	return prev[len(b)]
}
