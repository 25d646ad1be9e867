// Where malloc(3) takes memory from.
#pragma once

namespace nodespawner {

// It hands out the free pieces between others first, which lie all over the heap: what a child allocates would be on
// many pages, each of which it copies. Takes all of these pieces, and keeps them, so that what follows lies together,
// at the end of the heap. Right after malloc_trim(3), and in the only thread that runs.
void FillHoles();

}  // namespace nodespawner
