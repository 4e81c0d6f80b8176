{# Rows for which a statement is false; where it is null it is not judged. #}
{% test holds(model, statement) %}
    select *
    from {{ model }}
    where not ({{ statement }})
{% endtest %}
