// Which symbolic links are followed: the `symlinks =` and `follow_into =` rules as functions.
#pragma once

#include <string>
#include <vector>

#include "core/model.hpp"

namespace mirrord {

/// rsync's unsafe_symlink(): an absolute link, a relative one whose text climbs out of the source,
/// and (since rsync 3.4.0) one that has ".." anywhere but in the beginning, or ends in "/..".
/// `path` is the link's logical path, `text` what readlink(2) says.
bool is_unsafe_link(const std::string& path, const std::string& text);

/// Whether the link at `path` becomes what it points to.
bool is_followed(Symlinks rule, const std::string& path, const std::string& text);

/// Whether the directory `copy` would be a part of what is copied to it: of `referent`, which the
/// link at `path` leads to, or which is the source itself (path ""). It may hold what a link leads
/// to where nothing is deleted, if that is not copied onto itself.
bool is_entangled(const std::string& copy, const std::string& referent, const std::string& path,
                  bool deletes);

/// Whether the physical path `referent` lies in one of the directories (empty list = anywhere).
bool is_within(const std::string& referent, const std::vector<std::string>& directories);

}  // namespace mirrord
