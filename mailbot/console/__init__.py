"""The pages for agents, managers, admins and customers, and the API beside them. They act through `operations`."""
