/**
 * What the host and a child say to each other: one Job there, one Result back. See docs/protocol.md.
 *
 * The code in gen/ comes from this file: `npm run thrift`.
 */
namespace js nodespawner

// ---------------------------------------------------------------------------------------------------------------
// Values

/** A struct without fields: the value null. */
struct Nothing {
}

/**
 * One entry of an object or a map. A list of these, and not a Thrift map, because Thrift readers are free to drop
 * the order of a map, and the JavaScript one stores it in an object, on which the key `__proto__` sets the prototype.
 */
struct Entry {
  1: required string key
  2: required Value value
}

/** A plain value. Exactly one member is set. */
union Value {
  1: Nothing nothing
  2: bool flag
  /** Safe integers other than -0, and every bigint. A reader gives a number when it is safe and a bigint otherwise. */
  3: i64 integer
  /** Every other number: fractions, NaN, the infinities, -0, integers that are not safe. */
  4: double real
  5: string text
  6: binary bytes
  /** Milliseconds since the epoch, as in Date.prototype.getTime(): an integer, or NaN for an Invalid Date. */
  7: double date
  8: list<Value> items
  /** A plain object. */
  9: list<Entry> fields
  /** A Map whose keys are strings. */
  10: list<Entry> entries
}

// ---------------------------------------------------------------------------------------------------------------
// Job: host to child

enum SourceKind {
  /** CommonJS or ES module, whichever the text is. */
  DETECT = 1
  COMMONJS = 2
  MODULE = 3
}

/** A function that a preloaded module exports. */
struct Adapter {
  1: required string specifier
  2: required string exportName
}

/** The source text of a module, whose default export is called with the params and the tables. */
struct Source {
  1: required string code
  /** The name of the source in stack traces. Nothing is read from it. */
  2: required string filename
  3: required SourceKind kind
  /** Whether types have to be stripped first. */
  4: required bool typescript
  5: required Value params
  /** Called with the module and what its default export would be called with, in the place of that. */
  6: optional Adapter adapter
}

/** A function that a preloaded module exports, and the values it is called with. */
struct Preloaded {
  1: required string specifier
  2: required string exportName
  3: required list<Value> values
}

union Task {
  1: Source source
  2: Preloaded preloaded
}

/** A range of one of the file descriptors that came with the message. */
struct FileRange {
  /** An index into the file descriptors that came with the message, as in Fds. */
  1: required i32 fd
  2: required i64 offset
  3: required i64 length
}

union TablePlace {
  1: FileRange range
  /** The table itself: one that is small is read sooner than mapped. */
  2: binary bytes
}

/** An Arrow IPC file or stream. */
struct InputTable {
  1: required string name
  2: required TablePlace place
}

/** Which of the file descriptors that came with the message is which, as indices. One that is absent didn't come. */
struct Fds {
  1: optional i32 stdin
  2: optional i32 stdout
  3: optional i32 stderr
  /** The write end of the pipe that the Result goes to. */
  4: optional i32 result
  /** The memfd that output tables go to. */
  5: optional i32 output
}

/** What the host will accept. The child checks it first, so that its user gets a message with a path in it. */
struct Limits {
  1: required i64 maxResultBytes
  2: required i32 maxResultDepth
  3: required i64 maxResultElements
  4: required i64 maxTableBytes
}

struct Variable {
  1: required string name
  2: required string value
}

struct Job {
  1: required Task task
  2: required list<InputTable> tables
  3: required Fds fds
  4: required Limits limits
  /** process.argv from the third element on. */
  5: optional list<string> argv
  /** process.env, as a whole. */
  6: optional list<Variable> env
  7: optional string cwd
}

// ---------------------------------------------------------------------------------------------------------------
// Result: child to host

/** An Arrow IPC stream or file: a range of the output memfd. */
struct OutputTable {
  1: required string name
  2: required i64 offset
  3: required i64 length
}

struct Returned {
  1: required Value value
  2: required list<OutputTable> tables
}

/** An error as text: what is left of one when it leaves its process. */
struct ErrorText {
  1: required string name
  2: required string message
  3: optional string stack
  4: optional string code
}

struct Threw {
  1: required ErrorText error
  /** error.cause, its cause, and so on. */
  2: required list<ErrorText> causes
}

/** The function returned something that can't be sent. */
struct BadReturn {
  /** The code of the error, such as ERR_UNSUPPORTED_VALUE. */
  1: required string code
  /** Where in the value, such as `value.rows[3].parse`. */
  2: required string path
  3: required string reason
  /** With ERR_VALUE_TOO_LARGE: the limit that the value exceeds, such as `maxDepth`. */
  4: optional string limit
}

union Outcome {
  1: Returned returned
  2: Threw threw
  3: BadReturn badReturn
  /** V8 found no more memory for the heap. */
  4: Nothing outOfMemory
}

struct Result {
  1: required Outcome outcome
}
