#include "core/file_list.hpp"

#include <set>
#include <unordered_map>

namespace mirrord {

namespace {

class ListBuilder {
 public:
  explicit ListBuilder(const Probe& probe) : probe_(probe) {}

  void add(const std::string& path) {
    // The first ancestor that is no directory stands for everything below it.
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      std::string ancestor = path.substr(0, slash);
      if (!is_directory(ancestor)) {
        entries_.insert(std::move(ancestor));
        return;
      }
    }
    entries_.insert(path);
  }

  std::string text() const {
    std::string list;
    for (const std::string& entry : entries_) {
      list += "./" + entry;
      list.push_back('\0');
    }
    return list;
  }

 private:
  bool is_directory(const std::string& path) {
    auto [known, fresh] = directories_.try_emplace(path, false);
    if (fresh) known->second = probe_(path) == Entry::directory;
    return known->second;
  }

  const Probe& probe_;
  std::unordered_map<std::string, bool> directories_;
  std::set<std::string> entries_;
};

}  // namespace

std::string build_file_list(const std::vector<std::string>& paths, const Probe& probe) {
  ListBuilder builder(probe);
  for (const std::string& path : paths) builder.add(path);
  return builder.text();
}

}  // namespace mirrord
