"""The primitives, by kind. Each is declared once: kernel, derivative rules, label, domain, shape contract."""
