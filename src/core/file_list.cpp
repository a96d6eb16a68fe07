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
  ListBuilder(const EntryProbe& probe, Depth depth, Missing missing)
      : probe_(probe), depth_(depth), missing_(missing) {}

  void add(const std::string& path) {
    // The first ancestor that is no directory stands for everything below it.
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      std::string ancestor = path.substr(0, slash);
      Entry entry = probe_once(ancestor);
      if (entry == Entry::directory) continue;
      return list(std::move(ancestor), entry);
    }
    if (path.empty()) return add_root();
    Entry entry = probe_once(path);
    const bool with_slash = depth_ == Depth::children || depth_ == Depth::linked_tree;
    bool slash = with_slash && entry == Entry::directory;
    list(slash ? path + '/' : path, entry);
  }

  FileList take() const {
    FileList list;
    for (const std::string& entry : entries_) {
      list.text += "./" + entry;
      list.text.push_back('\0');
    }
    list.losers.assign(losers_.begin(), losers_.end());
    return list;
  }

 private:
  void add_root() {
    if (depth_ != Depth::entry)
      entries_.insert("");
    else if (missing_ == Missing::listed)
      entries_.insert(kNoSuchEntry);
    else
      losers_.insert("");
  }

  void list(std::string path, Entry entry) {
    if (entry == Entry::left_out) return;
    const bool unnamed = entry == Entry::missing && missing_ == Missing::by_directory;
    if (unnamed || entry == Entry::unclear) {
      size_t slash = path.rfind('/');
      losers_.insert(slash == std::string::npos ? "" : path.substr(0, slash));
    } else {
      entries_.insert(std::move(path));
    }
  }

  Entry probe_once(const std::string& path) {
    auto [known, fresh] = probed_.try_emplace(path, Entry::other);
    if (fresh) known->second = probe_(path);
    return known->second;
  }

  const EntryProbe& probe_;
  Depth depth_;
  Missing missing_;
  std::unordered_map<std::string, Entry> probed_;
  std::set<std::string> entries_;
  std::set<std::string> losers_;
};

}  // namespace

std::set<std::string_view> paths_in(const FileList& list) {
  std::set<std::string_view> paths;
  for (std::string_view rest = list.text; !rest.empty();) {
    std::string_view entry = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(entry.size() + 1);
    entry.remove_prefix(std::string_view("./").size());
    if (entry.ends_with('/')) entry.remove_suffix(1);
    paths.insert(entry);
  }
  return paths;
}

FileList build_file_list(const std::vector<std::string>& paths, const EntryProbe& probe,
                         Depth depth, Missing missing) {
  ListBuilder builder(probe, depth, missing);
  for (const std::string& path : paths) builder.add(path);
  return builder.take();
}

}  // namespace mirrord
