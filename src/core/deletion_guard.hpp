// Whether a comparison may delete what it found to be too much: `max_delete =`.
//
// A comparison infers absence, it has not seen a deletion. A mistyped destination or a source that
// lost half of its content unseen look just like it, so above a limit nothing at all is deleted.
#pragma once

#include "core/model.hpp"
#include "core/outcome.hpp"

namespace mirrord {

/// How many of `entries` may go.
uint64_t deletion_limit(const MaxDelete& max_delete, uint64_t entries);

/// `withheld` when the deletions that `outcome` counted may be made, `held` when they are too many.
/// An empty source, which may be an empty mount point, justifies none.
Verdict judge_deletions(const MaxDelete& max_delete, bool source_is_empty,
                        const Outcome& outcome);

}  // namespace mirrord
