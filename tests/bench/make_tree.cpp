// make_tree DIRECTORY COUNT [FILES]
//
// Makes COUNT directories in all, DIRECTORY itself included, with short names, at most 100 in
// each, FILES empty files in each.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

namespace {

void make(const std::string& directory, long files) {
  if (::mkdir(directory.c_str(), 0755) < 0) std::perror(directory.c_str()), std::exit(1);
  for (long i = 0; i < files; ++i) {
    const std::string file = directory + "/f" + std::to_string(i);
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) std::perror(file.c_str()), std::exit(1);
    ::close(fd);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("make_tree DIRECTORY COUNT [FILES]\n", stderr), 2;
  constexpr int kInEach = 100;
  long left = std::atol(argv[2]);
  const long files = argc > 3 ? std::atol(argv[3]) : 0;
  std::deque<std::string> parents{argv[1]};
  make(parents.front(), files);
  --left;
  for (; left > 0; parents.pop_front())
    for (int i = 0; i < kInEach && left > 0; ++i, --left) {
      parents.push_back(parents.front() + "/d" + std::to_string(i));
      make(parents.back(), files);
    }
}
