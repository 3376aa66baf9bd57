"""First recipes for folders of pictures: of classes, and of identities."""
