#include "io/config_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "io/fs_identity.hpp"
#include "support/files.hpp"

namespace mirrord {
namespace {

using test::TempDir;

std::string group_text(const std::string& name) {
  return "[groups." + name + "]\nsource = \"/srv\"\ntargets = [\"/backup/" + name + "\"]\n";
}

class ConfigDir : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    test::write_file(dir / name, text);
    test::change_mode(dir / name, 0644);
  }
  ParsedConfig load() const { return load_config(dir.path()); }
  static std::string texts_of(const ParsedConfig& parsed) {
    std::string texts;
    for (const Diagnostic& d : parsed.diagnostics) texts += d.text() + '\n';
    return texts;
  }
  TempDir dir;
};

TEST_F(ConfigDir, ReadsEveryTomlFile) {
  write("b.toml", group_text("two"));
  write("a.toml", group_text("one"));
  ParsedConfig parsed = load();
  ASSERT_TRUE(parsed.ok()) << texts_of(parsed);
  EXPECT_EQ(parsed.config->groups.size(), 2u);
}

TEST_F(ConfigDir, ReadsInByteOrderOfTheNames) {
  for (const char* name : {"b.toml", "B.toml", "a.toml", "\xc3\xa4.toml", "10.toml", "9.toml"})
    write(name, "nonsense = 1\n");
  ParsedConfig parsed = load();
  std::vector<std::string> files;
  for (const Diagnostic& d : parsed.diagnostics)
    if (files.empty() || files.back() != d.file) files.push_back(d.file);
  std::vector<std::string> wanted;
  for (const char* name : {"10.toml", "9.toml", "B.toml", "a.toml", "b.toml", "\xc3\xa4.toml"})
    wanted.push_back((dir / name).native());
  EXPECT_EQ(files, wanted);
}

TEST_F(ConfigDir, IgnoresOtherNames) {
  write("web.toml", group_text("web"));
  for (const char* name : {".hidden.toml", "web.toml~", "web.toml.rpmnew", "README", ".toml"})
    write(name, "this is no TOML [");
  EXPECT_TRUE(load().ok()) << texts_of(load());
}

TEST_F(ConfigDir, RefusesWhatOthersCanWrite) {
  write("a.toml", group_text("a"));
  write("b.toml", group_text("b"));
  for (mode_t mode : {0664, 0646, 0666}) {
    test::change_mode(dir / "a.toml", mode);
    ParsedConfig parsed = load();
    EXPECT_FALSE(parsed.ok());
    ASSERT_EQ(parsed.diagnostics.size(), 1u) << texts_of(parsed);
    EXPECT_EQ(parsed.diagnostics[0].file, (dir / "a.toml").native());
    EXPECT_NE(texts_of(parsed).find("chmod go-w"), std::string::npos) << "says what to do";
  }
  test::change_mode(dir / "a.toml", 0600);
  EXPECT_TRUE(load().ok());
  test::change_mode(dir.path(), 0777);
  EXPECT_FALSE(load().ok()) << "nor a directory";
  EXPECT_EQ(load().diagnostics.at(0).file, dir.path().native());
}

TEST_F(ConfigDir, RefusesWhatAnotherUserOwns) {
  constexpr uid_t kSomebody = 4711;
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  write("a.toml", group_text("a"));
  ASSERT_EQ(::chown((dir / "a.toml").c_str(), kSomebody, 0), 0);
  ParsedConfig parsed = load();
  EXPECT_FALSE(parsed.ok());
  ASSERT_EQ(parsed.diagnostics.size(), 1u) << texts_of(parsed);
  EXPECT_EQ(parsed.diagnostics[0].file, (dir / "a.toml").native());
  EXPECT_NE(texts_of(parsed).find("chown root"), std::string::npos) << "says what to do";
  ASSERT_EQ(::chown((dir / "a.toml").c_str(), 0, 0), 0);
  EXPECT_TRUE(load().ok()) << texts_of(load());
  ASSERT_EQ(::chown(dir.path().c_str(), kSomebody, 0), 0);
  EXPECT_FALSE(load().ok()) << "nor a directory";
}

TEST_F(ConfigDir, RefusesAFileBehindALinkThatOthersCanWrite) {
  write("real", group_text("a"));
  test::change_mode(dir / "real", 0666);
  std::filesystem::create_symlink("real", dir / "a.toml");
  EXPECT_FALSE(load().ok());
}

TEST_F(ConfigDir, ReportsTheProblemsOfAllFilesTogether) {
  write("a.toml", "nonsense = 1\n");
  write("b.toml", group_text("b"));
  test::change_mode(dir / "b.toml", 0666);
  write("c.toml", "[groups.c]\n");
  std::string texts = texts_of(load());
  for (const char* name : {"a.toml", "b.toml", "c.toml"})
    EXPECT_NE(texts.find(name), std::string::npos) << texts;
}

TEST_F(ConfigDir, AMissingDirectoryIsNamed) {
  ParsedConfig parsed = load_config(dir / "nowhere");
  EXPECT_FALSE(parsed.ok());
  ASSERT_EQ(parsed.diagnostics.size(), 1u);
  EXPECT_NE(parsed.diagnostics[0].text().find((dir / "nowhere").native()), std::string::npos);
  EXPECT_NE(parsed.diagnostics[0].text().find("No such file"), std::string::npos);
}

TEST_F(ConfigDir, AFileThatIsNoFileIsAProblem) {
  write("a.toml", group_text("a"));
  std::filesystem::create_directory(dir / "b.toml");
  std::filesystem::create_symlink("nowhere", dir / "c.toml");
  ParsedConfig parsed = load();
  EXPECT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.diagnostics.size(), 2u) << texts_of(parsed);
}

TEST_F(ConfigDir, APatternFileThatHasNoEndIsAProblem) {
  const auto told = [&](const std::string& file) {
    write("a.toml", group_text("a") + "exclude_from = \"" + file + "\"\n");
    return texts_of(load());
  };
  const std::string pipe = dir / "patterns";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& file : {pipe, std::string("/dev/zero")})
    EXPECT_NE(told(file).find("it is no regular file"), std::string::npos) << told(file);
  test::write_file(dir / "large", std::string(33 * 1024 * 1024, '\n'));
  EXPECT_NE(told(dir / "large").find("larger than 32 MiB"), std::string::npos);
}

TEST_F(ConfigDir, AnUnreadableDirectoryIsAProblem) {
  auto nobody = find_user("nobody");
  if (::geteuid() != 0 || !nobody) GTEST_SKIP() << "root is needed to become nobody";
  write("a.toml", group_text("a"));
  test::change_mode(dir.path(), 0700);
  FsIdentity eyes(nobody);
  ParsedConfig parsed = load();
  EXPECT_FALSE(parsed.ok());
  EXPECT_NE(texts_of(parsed).find("Permission denied"), std::string::npos) << texts_of(parsed);
}

TEST_F(ConfigDir, AnEmptyDirectoryIsNamed) {
  ParsedConfig parsed = load();
  ASSERT_FALSE(parsed.diagnostics.empty());
  EXPECT_EQ(parsed.diagnostics[0].file, dir.path().native());
}

}  // namespace
}  // namespace mirrord
