#include "core/file_list.hpp"

#include <set>
#include <unordered_map>

namespace mirrord {

namespace {

class ListBuilder {
 public:
  ListBuilder(const Probe& probe, bool with_children)
      : probe_(probe), with_children_(with_children) {}

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
    Entry entry = path.empty() ? Entry::directory : probe_once(path);
    if (entry == Entry::left_out) return;
    bool slash = with_children_ && entry == Entry::directory && !path.empty();
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
  bool with_children_;
  std::unordered_map<std::string, Entry> probed_;
  std::set<std::string> entries_;
};

}  // namespace

std::string build_file_list(const std::vector<std::string>& paths, const Probe& probe,
                            bool with_children) {
  ListBuilder builder(probe, with_children);
  for (const std::string& path : paths) builder.add(path);
  return builder.text();
}

}  // namespace mirrord
