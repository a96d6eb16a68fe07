#include "core/file_list.hpp"

#include <set>
#include <unordered_map>

namespace mirrord {

namespace {

// "./" always means the source's entries too. Its own attributes go along as the parent of any
// entry, also of one that is missing on both sides.
const std::string kNoSuchEntry = ".mirrord-no-such-entry";

class ListBuilder {
 public:
  ListBuilder(const Probe& probe, Depth depth) : probe_(probe), depth_(depth) {}

  void add(const std::string& path) {
    // The first ancestor that is no directory stands for everything below it.
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      std::string ancestor = path.substr(0, slash);
      Entry entry = probe_once(ancestor);
      if (entry == Entry::directory) continue;
      if (entry != Entry::left_out) entries_.insert(std::move(ancestor));
      return;
    }
    if (path.empty()) {
      entries_.insert(depth_ == Depth::entry ? kNoSuchEntry : "");
      return;
    }
    Entry entry = probe_once(path);
    if (entry == Entry::left_out) return;
    bool slash = depth_ == Depth::children && entry == Entry::directory;
    entries_.insert(slash ? path + '/' : path);
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
  Entry probe_once(const std::string& path) {
    auto [known, fresh] = probed_.try_emplace(path, Entry::other);
    if (fresh) known->second = probe_(path);
    return known->second;
  }

  const Probe& probe_;
  Depth depth_;
  std::unordered_map<std::string, Entry> probed_;
  std::set<std::string> entries_;
};

}  // namespace

std::string build_file_list(const std::vector<std::string>& paths, const Probe& probe,
                            Depth depth) {
  ListBuilder builder(probe, depth);
  for (const std::string& path : paths) builder.add(path);
  return builder.text();
}

}  // namespace mirrord
