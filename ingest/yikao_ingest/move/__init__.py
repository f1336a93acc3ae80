"""Moving everything from one database into another: from the embedded one into production."""
