sync{default.rsyncssh, source = "src", host = "localhost", targetdir = "dst/"}
