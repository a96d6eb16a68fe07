// A path that is stored once, however many sets hold it: each target of a group has its own set of
// what it lacks, and in an outage they lack much the same.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace mirrord {

class SharedPath {
 public:
  SharedPath(std::string path) : path_(std::make_shared<const std::string>(std::move(path))) {}
  SharedPath(const char* path) : SharedPath(std::string(path)) {}
  operator const std::string&() const { return *path_; }

  /// Byte order, also between a path that is shared and one that is not.
  struct Less {
    using is_transparent = void;
    bool operator()(const std::string& a, const std::string& b) const { return a < b; }
  };

 private:
  std::shared_ptr<const std::string> path_;
};

}  // namespace mirrord
