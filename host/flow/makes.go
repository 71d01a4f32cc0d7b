package flow

// Makes is told by stages that put other values into columns of their input:
// it names those, and may name columns that they add. A stage without it is
// taken to leave its input's columns as they are. It is asked after Open.
type Makes interface {
	Makes() []string
}
