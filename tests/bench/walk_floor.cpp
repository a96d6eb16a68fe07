// walk_floor SOURCE
//
// The least that one thread must do to watch a tree: read every directory, with the type that
// readdir(3) tells, and watch it, before it is read. It keeps nothing. Says "watched N" and
// waits to be ended. Exit status 3: fs.inotify.max_user_watches is too low.
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                             IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;

class Walk {
 public:
  explicit Walk(std::string source) : path_(std::move(source)) {}

  size_t run() {
    enter();
    return watched_;
  }

 private:
  void enter() {
    if (::inotify_add_watch(inotify_, path_.c_str(), kEvents) < 0) {
      std::perror(path_.c_str());
      std::exit(errno == ENOSPC ? 3 : 1);
    }
    ++watched_;
    DIR* stream = ::opendir(path_.c_str());
    if (!stream) return;
    const size_t length = path_.size();
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
      path_.append("/").append(name);
      enter();
      path_.resize(length);
    }
    ::closedir(stream);
  }

  int inotify_ = ::inotify_init1(IN_CLOEXEC);
  std::string path_;
  size_t watched_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("walk_floor SOURCE\n", stderr), 2;
  Walk walk(argv[1]);
  std::fprintf(stderr, "watched %zu\n", walk.run());
  ::pause();
}
